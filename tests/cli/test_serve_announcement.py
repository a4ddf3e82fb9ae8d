"""The lines that `gateway serve` prints once it is ready: they leave a newcomer no question."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.summary import trial_key
from gateway.config.file import load
from tests.gateway import DEFAULTS, PATIENCE, Gateway
from tests.journey import needs

SINKS = """
[sinks.console]
kind = "null"
integration = "Console"
"""


@pytest.fixture(scope="module")
def announced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """The folder of a running gateway, and the lines that it has printed after the first."""
    with Gateway(tmp_path_factory.mktemp("gateway"), DEFAULTS + SINKS) as running:
        assert running.process.stdout
        yield running.folder, [running.process.stdout.readline().decode().rstrip("\n") for _ in range(5)]


def shell(command: str, **environment: str) -> bytes:
    """The output of a command that a user copies."""
    needs.program("curl")
    return subprocess.run(
        ["sh", "-c", command], env={**os.environ, **environment}, capture_output=True, check=True
    ).stdout


def test_they_name_configuration_data_and_every_sink(announced: tuple[Path, list[str]]) -> None:
    folder, [*lines, _] = announced

    assert [line.split(maxsplit=1) for line in lines] == [
        ["configuration", f"{folder}/gateway.toml"],
        ["data", f"{folder}/data/journal"],
        ["sink", f"events: json_lines, {folder}/data/events.jsonl"],
        ["sink", "console: null"],
    ]


def test_the_command_needs_only_the_key_in_the_environment(announced: tuple[Path, list[str]]) -> None:
    command = announced[1][-1].removeprefix("try: ")

    assert "dev" not in command  # the output may be kept in a log
    assert shell(command, WRITE_KEY="dev") == b'{"success": true}'


def test_on_a_terminal_the_command_works_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(DEFAULTS.replace('"dev"', '"a $$key"'))
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"],
        cwd=tmp_path,
        stdout=follower,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(follower)
        with os.fdopen(leader, "rb") as terminal:
            try:
                line = next(line for line in terminal if line.startswith(b"try: "))
                answer = shell(line.decode().removeprefix("try: "))
            finally:
                process.terminate()
                process.wait(PATIENCE)

    assert answer == b'{"success": true}'


def test_without_a_file_the_configuration_is_called_built_in(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--inspector-port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline().decode() for _ in range(5)]
        process.terminate()

    assert lines[1] == "configuration  built in; to have a file: gateway init\n"
    assert " -u dev: " in lines[4]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        pytest.param("", "first", id="an open one"),
        pytest.param("enabled = false", "second", id="a disabled one"),
        pytest.param('webhook_secret = "s"', "second", id="one for signed events"),
    ],
)
def test_the_command_is_for_a_source_that_accepts_it(tmp_path: Path, table: str, key: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[sources.one]\nwrite_keys = ["first"]\n{table}\n[sources.two]\nwrite_keys = ["second"]\n{SINKS}'
    )

    assert trial_key(load(file, None, {})) == key
