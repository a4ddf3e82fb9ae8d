"""`gateway export`, as an operator uses it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.home import Home
from tests.analysis.asking import HOUR_MS, START_MS, keep_at
from tests.build import JOURNAL, event_line
from tests.journal.breaking import flip
from tests.journey.faults import small_disk

LINES = [event_line(n, event="Even" if n % 2 == 0 else "Odd", userId=f"u{n}") for n in range(8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder, with an event an hour."""
    home = Home(tmp_path / "data/journal")
    with home.own(lambda: JOURNAL):
        pass
    keep_at(home.folder / "0", [START_MS + n * HOUR_MS for n in range(8)], LINES)
    return tmp_path


def export(folder: Path, *arguments: str) -> Result:
    file = folder / "out.jsonl"
    return CliRunner().invoke(main, ["export", str(file), "--data", str(folder / "data"), *arguments])


def exported(folder: Path) -> list[bytes]:
    return (folder / "out.jsonl").read_bytes().splitlines()


def test_it_says_how_many_events_it_has_exported(folder: Path) -> None:
    result = export(folder)

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith(f"8 events in {folder / 'out.jsonl'}.\n")
    assert exported(folder) == LINES


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        pytest.param(["--event", "Odd"], [1, 3, 5, 7], id="event"),
        pytest.param(["--user", "u3"], [3], id="user"),
        pytest.param(["--type", "page"], [], id="type"),
        pytest.param(["--source", "default"], range(8), id="source"),
        pytest.param(["--since", str(START_MS + 6 * HOUR_MS)], [6, 7], id="since"),
        pytest.param(["--since", str(START_MS + 6 * HOUR_MS + 1)], [7], id="just after"),
        pytest.param(["--until", str(START_MS + 2 * HOUR_MS)], [0, 1], id="until"),
        pytest.param(["--until", str(START_MS + 4 * HOUR_MS), "--event", "Odd"], [1, 3], id="several"),
    ],
)
def test_events_are_selected_by_options(folder: Path, arguments: list[str], numbers: list[int]) -> None:
    result = export(folder, *arguments)

    assert result.exit_code == 0
    assert exported(folder) == [LINES[number] for number in numbers]


def test_damage_is_reported_with_exit_code_1(folder: Path) -> None:
    [file] = (folder / "data/journal/0").iterdir()
    flip(file, b'"m1"')

    result = export(folder)

    assert result.exit_code == 1
    assert "gateway: damaged, and left out: 0/1\n" in result.stderr
    assert exported(folder) == [LINES[0], *LINES[2:]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--since", "soon"], "an age such as \"2h\", got 'soon'", id="time"),
        pytest.param(["--data", "/nowhere"], "has the gateway ever run?", id="no journal"),
    ],
)
def test_what_cannot_be_exported_is_a_message(folder: Path, arguments: list[str], message: str) -> None:
    result = export(folder, *arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (folder / "out.jsonl").exists()


def test_a_folder_that_is_not_there_is_a_message(folder: Path) -> None:
    missing = str(folder / "none/out.jsonl")

    result = CliRunner().invoke(main, ["export", missing, "--data", str(folder / "data")])

    assert (result.exit_code, result.stderr) == (2, f"gateway: {folder / 'none'} is not a folder\n")


def test_a_full_disk_is_a_message_and_the_export_is_resumed(folder: Path) -> None:
    disk = folder / "disk"
    command = ["export", str(disk / "out.jsonl"), "--data", str(folder / "data")]

    with small_disk(disk, "64K"):
        (disk / "ballast").write_bytes(b"x" * 60 * 1024)
        full = CliRunner().invoke(main, command)
        (disk / "ballast").unlink()
        resumed = CliRunner().invoke(main, command)

        assert full.exit_code == 2
        assert f"{disk / 'out.jsonl'}: No space left on device" in full.stderr
        assert resumed.exit_code == 0
        assert (disk / "out.jsonl").read_bytes().splitlines() == LINES
