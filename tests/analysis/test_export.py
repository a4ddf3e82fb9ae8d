"""Exports: whole files of the events that are selected, also after interruptions."""

import fcntl
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from gateway.analysis.export import Choice, Export
from gateway.errors import ConfigError
from gateway.journal.follow import Wanted
from tests.analysis.asking import ask
from tests.build import JOURNAL, event_line, event_lines, keep, open_log
from tests.gateway import until
from tests.journal.breaking import flip

EVERYTHING = Choice(Wanted(), None, None)
FORMS = ["events.jsonl", "events.jsonl.gz", "events.parquet"]
PADDING = {"padding": "x" * 5000}
"""Makes events as large as they may be."""


def lines(start: int, end: int) -> list[bytes]:
    return [event_line(number, properties=PADDING) for number in range(start, end)]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 400 events in two partitions, read in blocks of 20."""
    folder = tmp_path_factory.mktemp("exported") / "journal"
    for start in range(0, 400, 20):
        keep(folder / str(start // 200), lines(start, start + 20))
    return folder


def begin(journal: Path, file: Path, identity: bytes = JOURNAL, reports: list[str] | None = None) -> Export:
    report = print if reports is None else reports.append
    return Export(file, open_log(journal), identity.hex(), report, part_events=60)


def run(work: Export, choice: Choice = EVERYTHING, steps: int | None = None) -> bool:
    """Run an export, or only some steps of it; return True if it was resumed."""
    with work.begun(choice, None, None) as resumed:
        for number, _ in enumerate(work.run()):
            if number == steps:
                break
    return resumed


def ids(file: Path) -> list[str]:
    """Return the ids of a file's events, as readers of its form find them."""
    if file.suffix == ".parquet":
        found: list[str] = parquet.read_table(file)["id"].to_pylist()
        return found
    content = file.read_bytes()
    text = gzip.decompress(content) if file.suffix == ".gz" else content
    return [line.split(b'"')[7].decode() for line in text.splitlines()]


def named(numbers: Sequence[int]) -> list[str]:
    return [f"m{number}" for number in numbers]


@pytest.mark.parametrize("name", FORMS)
def test_every_event_is_exported_in_order(journal: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name

    run(begin(journal, file))

    assert ids(file) == named(range(400))
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o600


def test_lines_are_exported_as_they_are_stored(tmp_path: Path) -> None:
    stored = [event_line(0, name="é\u2028"), b'{"not":"\xff"}', b'{"a":1.10}']
    keep(tmp_path / "journal/0", stored)

    run(begin(tmp_path / "journal", tmp_path / "events.jsonl"))

    assert (tmp_path / "events.jsonl").read_bytes() == b"".join(line + b"\n" for line in stored)


def test_parquet_has_the_rows_of_the_table(journal: Path, tmp_path: Path) -> None:
    run(begin(journal, tmp_path / "events.parquet"))

    same = "SELECT id, type, source, received_at, properties, more, position FROM {} ORDER BY position"
    written = duckdb.execute(same.format(f"'{tmp_path / 'events.parquet'}'")).fetchall()
    assert written == ask(journal, same.format("events"))


@pytest.mark.parametrize("name", FORMS)
def test_an_export_of_nothing_is_a_file_that_can_be_read(tmp_path: Path, name: str) -> None:
    keep(tmp_path / "journal/0", event_lines(0, 3))
    file = tmp_path / name

    run(begin(tmp_path / "journal", file), Choice(Wanted(event="Nothing"), None, None))

    assert ids(file) == []


def test_only_wanted_events_are_exported(tmp_path: Path) -> None:
    odd = [event_line(number, event="Odd" if number % 2 else "Even") for number in range(6)]
    keep(tmp_path / "journal/0", odd)
    file = tmp_path / "odd.jsonl"

    run(begin(tmp_path / "journal", file), Choice(Wanted(event="Odd"), None, None))

    assert ids(file) == named([1, 3, 5])


@pytest.mark.parametrize("name", FORMS)
def test_an_export_is_resumed_wherever_it_was_interrupted(journal: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    for steps in (0, 3, 6, 7, 13, 19):
        run(begin(journal, file), steps=steps)
        assert not file.exists()

        work = begin(journal, file)
        resumed = run(work)

        assert resumed
        assert ids(file) == named(range(400))
        assert work.progress.events == 400
        file.unlink()


def test_events_that_come_later_are_not_exported(tmp_path: Path) -> None:
    journal, file = tmp_path / "journal", tmp_path / "events.jsonl"
    keep(journal / "0", lines(0, 100))

    run(begin(journal, file), steps=0)
    keep(journal / "0", lines(100, 105))
    run(begin(journal, file))

    assert ids(file) == named(range(100))


def test_a_killed_export_is_resumed(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    program = (
        "import sys, pathlib, tests.analysis.test_export as t;"
        "t.run(t.begin(*map(pathlib.Path, sys.argv[1:])), steps=13); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, journal, file],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
    ) as process:
        until((tmp_path / "events.parquet.partial/000001").exists)
        process.kill()

    resumed = run(begin(journal, file))

    assert resumed
    assert ids(file) == named(range(400))


def test_a_file_that_is_there_is_not_replaced(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("mine")

    with pytest.raises(ConfigError, match="exists already"):
        run(begin(journal, file))

    assert file.read_text() == "mine"


def test_a_file_that_appears_meanwhile_is_not_replaced(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    work = begin(journal, file)

    with work.begun(EVERYTHING, None, None):
        steps = work.run()
        next(steps)
        file.write_text("mine")
        with pytest.raises(ConfigError, match="exists already"):
            list(steps)

    assert file.read_text() == "mine"


def test_a_folder_that_a_crash_left_behind_is_removed(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    run(begin(journal, file), steps=3)
    shutil.copytree(tmp_path / "events.jsonl.partial", tmp_path / "before")
    run(begin(journal, file))
    (tmp_path / "before").rename(tmp_path / "events.jsonl.partial")
    (tmp_path / "events.jsonl.partial/whole").hardlink_to(file)

    run(begin(journal, file))

    assert ids(file) == named(range(400))
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("choice", "identity"),
    [
        pytest.param(Choice(Wanted(event="Other"), None, None), JOURNAL, id="another filter"),
        pytest.param(Choice(Wanted(), "2h", None), JOURNAL, id="another time"),
        pytest.param(EVERYTHING, bytes(16), id="another journal"),
    ],
)
def test_an_export_of_other_events_is_not_resumed(
    journal: Path, tmp_path: Path, choice: Choice, identity: bytes
) -> None:
    file = tmp_path / "events.jsonl"
    run(begin(journal, file), steps=3)

    with pytest.raises(ConfigError, match="an unfinished export of other events"):
        run(begin(journal, file, identity), choice)


def test_one_process_at_a_time_exports_to_a_file(journal: Path, tmp_path: Path) -> None:
    folder = tmp_path / "events.jsonl.partial"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    with pytest.raises(ConfigError, match="another process exports"):
        run(begin(journal, tmp_path / "events.jsonl"))

    os.close(descriptor)


def test_damage_is_reported_once_and_remembered(tmp_path: Path) -> None:
    journal, file = tmp_path / "journal", tmp_path / "events.jsonl"
    flip(keep(journal / "0", lines(0, 50), lines(50, 52), lines(52, 200)), b"m50")
    reports: list[str] = []

    run(begin(journal, file, reports=reports), steps=2)
    work = begin(journal, file, reports=reports)
    run(work)

    assert reports == ["damaged, and left out: 0/50 to 0/51"]
    assert work.progress.faults == 1
    assert ids(file) == named([*range(50), *range(52, 200)])


def test_a_form_that_is_not_known_is_refused(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends with \.jsonl, \.jsonl\.gz, \.parquet"):
        begin(journal, tmp_path / "events.csv")
