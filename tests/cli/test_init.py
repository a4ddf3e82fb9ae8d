"""`gateway init`: a configuration to start from, with a key of its own."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.config.file import load
from gateway.config.tables import Config, Inspector, Journal, Server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the commands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments], env={"GATEWAY_CONFIG": ""})


def written(file: Path) -> Config:
    return load(file, None, {})


def test_what_it_writes_is_found_and_valid(folder: Path) -> None:
    made = init()

    checked = CliRunner().invoke(main, ["check"], env={"GATEWAY_CONFIG": ""})

    assert (made.exit_code, checked.exit_code) == (0, 0)
    assert [path.name for path in folder.iterdir()] == ["gateway.toml"]
    assert f"{folder}/data/events.jsonl" in checked.stdout


def test_the_keys_that_it_spells_out_have_their_defaults(folder: Path) -> None:
    init()

    config = written(folder / "gateway.toml")

    assert (config.server, config.inspector) == (Server(), Inspector())
    assert config.journal == Journal(path=folder / "data/journal")


def test_the_file_is_readable_only_for_its_owner(folder: Path) -> None:
    init()

    assert stat.S_IMODE((folder / "gateway.toml").stat().st_mode) == 0o600


def test_each_file_has_another_key_that_needs_no_quoting(folder: Path) -> None:
    init("one.toml")
    init("other.toml")

    [one] = written(folder / "one.toml").sources["website"].write_keys
    [other] = written(folder / "other.toml").sources["website"].write_keys
    assert one != other
    assert len(one) == 32
    assert one.isalnum()


def test_it_says_what_to_do_next(folder: Path) -> None:
    made = init("my own.toml")

    [key] = written(folder / "my own.toml").sources["website"].write_keys
    assert "gateway check --config 'my own.toml' " in made.stdout
    assert "gateway serve --config 'my own.toml' " in made.stdout
    assert f"curl http://127.0.0.1:8080/v1/track -u {key}: -d '{{" in made.stdout
    assert f"{folder}/data/events.jsonl" in made.stdout


def test_the_file_that_is_found_by_default_needs_no_option() -> None:
    assert "--config" not in init().stdout


def test_it_never_overwrites_a_file(folder: Path) -> None:
    (folder / "gateway.toml").write_text("mine")

    made = init()

    assert (made.exit_code, made.stdout) == (2, "")
    assert made.stderr.startswith("gateway: gateway.toml exists, and was not changed; edit it, or choose ")
    assert (folder / "gateway.toml").read_text() == "mine"


def test_a_link_to_nothing_is_not_followed(folder: Path) -> None:
    (folder / "gateway.toml").symlink_to(folder / "elsewhere")

    assert init().exit_code == 2
    assert not (folder / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_reported() -> None:
    made = init("nowhere/gateway.toml")

    assert (made.exit_code, made.stderr) == (2, "gateway: nowhere/gateway.toml: No such file or directory\n")
