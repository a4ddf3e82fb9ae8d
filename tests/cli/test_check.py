"""`gateway check`: what a configuration means, or what is wrong with it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.dialects import DIALECTS

VALID = """
[server]
workers = 2
[sources.website]
write_keys = ["SECRET", "SECRET2"]
[sources.old]
write_keys = ["SECRET3"]
enabled = false
[delivery]
processes = 2
[sinks.copy]
kind = "json_lines"
path = "copy.jsonl"
[sinks.archive]
kind = "json_lines"
path = "events.jsonl"
types = ["track"]
"""


def check(text: str, folder: Path, *options: str, **environment: str) -> Result:
    file = folder / "gateway.toml"
    file.write_text(text)
    return CliRunner().invoke(main, ["check", "--config", str(file), *options], env=environment)


def test_a_valid_configuration_is_summed_up(tmp_path: Path) -> None:
    result = check(VALID, tmp_path)

    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "")
    assert ["server", "127.0.0.1:8080, 2 workers"] in lines
    assert ["source", "website: 2 write keys"] in lines
    assert ["source", "old: 1 write key, disabled"] in lines
    assert ["delivery", "2 processes"] in lines
    assert lines[0] == [str(tmp_path / "gateway.toml"), "is valid."]
    assert lines[1:3] == [
        ["sink", f"copy: json_lines, {tmp_path}/copy.jsonl"],
        ["sink", f'archive: json_lines, {tmp_path}/events.jsonl, types = ["track"]'],
    ]


def test_settings_of_a_sink_are_shown_as_they_are_written_and_defaults_are_not(tmp_path: Path) -> None:
    result = check(
        """
        [sources.website]
        write_keys = ["SECRET"]
        [sinks.hook]
        kind = "http"
        url = "https://example.com/hook"
        retry_for = "36h"
        batch_bytes = "1MB"
        """,
        tmp_path,
    )

    [line] = [line for line in result.stdout.splitlines() if line.startswith("sink ")]
    assert line.endswith(', batch_bytes = "1MB", retry_for = "36h"')
    assert "headers" not in line


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        pytest.param('kind = "delta"\nurl = "s3://lake/a"', "delta, s3://lake/a", id="bucket"),
        pytest.param('kind = "parquet"\npath = "/lake/a"', "parquet, /lake/a", id="folder"),
        pytest.param(
            'kind = "clickhouse"\nurl = "https://db.example.com:8443/s3cr3t?password=s3cr3t"',
            "clickhouse, default.events at https://db.example.com:8443",
            id="address with a secret",
        ),
    ],
)
def test_the_place_that_a_sink_writes_to_is_said_once_and_without_secrets(
    table: str, shown: str, tmp_path: Path
) -> None:
    result = check(f'[sources.a]\nwrite_keys = ["k"]\n[sinks.copy]\n{table}\n', tmp_path)

    [line] = [line for line in result.stdout.splitlines() if line.startswith("sink ")]
    assert line.split(maxsplit=1) == ["sink", f"copy: {shown}"]


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_it_tells_the_routes_of_every_dialect(tmp_path: Path, name: str) -> None:
    result = check(VALID, tmp_path, "--routes")

    [line] = [line for line in result.stdout.splitlines() if line.split()[:2] == ["routes", f"{name}:"]]
    assert all(path in line for path in DIALECTS[name].PATHS)


def test_routes_are_printed_only_on_request(tmp_path: Path) -> None:
    assert "/v1/track" not in check(VALID, tmp_path).stdout


def test_write_keys_are_not_told(tmp_path: Path) -> None:
    assert "SECRET" not in check(VALID, tmp_path).output


def test_it_changes_nothing(tmp_path: Path) -> None:
    check(VALID, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["gateway.toml"]


def test_each_mistake_is_a_line_and_the_exit_code_is_2(tmp_path: Path) -> None:
    result = check(VALID.replace("workers = 2", 'workers = 0\nprot = 1\nhost = "${NOWHERE}"'), tmp_path)

    file = tmp_path / "gateway.toml"
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"gateway: {file}: [server] workers: Expected `int` >= 1",
        f"gateway: {file}: [server] prot: unknown key; did you mean port?",
        f"gateway: {file}: [server] host: ${{NOWHERE}} is not set in the environment",
    ]


def test_the_environment_is_looked_at(tmp_path: Path) -> None:
    result = check(VALID.replace("SECRET3", "${OLD_KEY}"), tmp_path, OLD_KEY="from outside")

    assert result.exit_code == 0


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", "--config", str(tmp_path / "none.toml")])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"gateway: {tmp_path}/none.toml: No such file or directory\n"


def test_without_a_file_it_shows_what_is_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["check"], env={"GATEWAY_CONFIG": ""})

    assert result.exit_code == 0
    assert 'write_keys = ["dev"]' in result.stdout


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    secrets = '[inspector]\ntoken = "HIDDEN-1"\n' + VALID.replace(
        "[sources.old]",
        'site_id = "29"\napi_tokens = ["HIDDEN-2"]\nwebhook_secret = ["HIDDEN-3", "${OLD}"]\n[sources.old]',
    )

    valid = check(secrets, tmp_path, OLD="HIDDEN-4")
    invalid = check(secrets.replace("workers = 2", "workers = 0"), tmp_path, OLD="HIDDEN-4")

    assert (valid.exit_code, invalid.exit_code) == (0, 2)
    assert "HIDDEN" not in valid.output + invalid.output


def test_every_kind_of_mistake_is_found_before_the_gateway_starts(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    text = """
[server]
port = "${PORT}"
[journal]
path = "file"
[sources.website]
write_keys = ["$KEY"]
webhook_secret = "${SECRET}"
[sources.app]
write_keys = ["${APP_KEY:?}"]
[sources.shop]
write_keys = ["shop"]
allowed_origins = ["https://shop.example/"]
[sources.all]
write_keys = ["all"]
allowed_origins = ["https://shop.example", "*"]
[sinks.archive]
kind = "json_lines"
path = "folder"
[sinks.console]
kind = "json_lines"
path = "/dev/stdout"
"""

    result = check(text, tmp_path, PORT="http", SECRET="", APP_KEY="")

    file = tmp_path / "gateway.toml"
    dollar = 'a "$" must begin "${NAME}", "${NAME:-default}" or "${NAME:?}"; a dollar sign is "$$"'
    origin = '"https://shop.example/" is not an origin that a browser sends; write "https://shop.example"'
    assert [line.removeprefix(f"gateway: {file}: ") for line in result.stderr.splitlines()] == [
        "[server] port: ${PORT}: expected a number, or true or false",
        "[journal] path: is a file; expected a folder",
        f"[sources.website] write_keys: {dollar}",
        "[sources.website] webhook_secret: ${SECRET} is empty",
        "[sources.app] write_keys: ${APP_KEY} is not set in the environment, or empty",
        f"[sources.shop] allowed_origins: {origin}",
        '[sources.all] allowed_origins: "*" is everybody; leave the others out, or "*"',
        "[sinks.archive] path: is a folder; expected a file",
        '[sinks.console] path: is a device; expected a file (kind = "stdout" prints events)',
    ]
