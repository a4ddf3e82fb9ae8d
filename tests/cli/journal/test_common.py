"""Common behaviour of the commands of `gateway journal`."""

from pathlib import Path

import pytest

from tests.build import event_lines, keep, open_partition
from tests.cli.journal.calling import run


def configured(folder: Path) -> Path:
    """Write a configuration whose journal is in `folder`."""
    file = folder / "gateway.toml"
    file.write_text(
        '[journal]\npath = "here"\n[sources.a]\nwrite_keys = ["k"]\n[sinks.b]\nkind = "null"\n', "utf-8"
    )
    return file


@pytest.mark.parametrize("command", ["verify", "dump", "stats"])
def test_without_a_path_the_configured_journal_is_read(tmp_path: Path, command: str) -> None:
    keep(tmp_path / "here/0", event_lines(0, 2))

    result = run(command, "--config", configured(tmp_path))

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == run(command, tmp_path / "here").stdout


@pytest.mark.parametrize("command", ["verify", "dump", "stats"])
def test_a_failure_is_one_line(tmp_path: Path, command: str) -> None:
    nowhere = run(command, tmp_path / "none")
    never = run(command, "--config", configured(tmp_path))
    unconfigured = run(command, "--config", tmp_path / "none.toml")

    for result, message in (
        (nowhere, f"{tmp_path}/none does not exist; give the folder of a journal or partition, or a file"),
        (never, f"[journal] path: {tmp_path}/here does not exist; has the gateway ever run?"),
        (unconfigured, f"{tmp_path}/none.toml: No such file or directory"),
    ):
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"gateway: {message}\n")


@pytest.mark.parametrize("command", ["verify", "dump", "stats"])
def test_a_partition_being_written_can_be_inspected(tmp_path: Path, command: str) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 3))

    result = run(command, tmp_path)
    partition.write(event_lines(3, 4))
    partition.close()

    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["verify", "dump", "stats"])
def test_help_has_an_example(command: str) -> None:
    assert f"  gateway journal {command}" in run(command, "--help").stdout
