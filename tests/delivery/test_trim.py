"""The deletion of journal files: none before every sink has it, all once they are old enough."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.delivery.trim import trim
from gateway.journal import files
from gateway.journal.positions import Positions, Tally
from tests.build import event_line, event_lines, keep, open_shard, read_all

HOUR = 3600.0
LARGE = 2**40


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Two finished files with three events each, written long ago, and an open one that has two."""
    shard = tmp_path / "journal/0"
    for start, end in ((0, 3), (3, 6), (6, 8)):
        keep(shard, event_lines(start, end))
    for file in files.files(shard)[:2]:
        age(file)
    return tmp_path / "journal"


@pytest.fixture
def positions(tmp_path: Path) -> Iterator[Positions]:
    opened = Positions.open(tmp_path / "state.db")
    yield opened
    opened.close()


def age(file: files.File) -> None:
    for path in file.path.parent.glob(f"{file.path.name}*"):
        os.utime(path, (0, 0))


def reach(positions: Positions, position: int, sink: str = "sink", shard: str = "0") -> None:
    positions.record(sink, shard, position, Tally())


def firsts(journal: Path, shard: str = "0") -> list[int]:
    return [file.first for file in files.files(journal / shard)]


def test_what_every_sink_has_goes_once_it_is_old(journal: Path, positions: Positions) -> None:
    reach(positions, 6)

    trim(journal, HOUR, LARGE, ["sink"], positions)

    assert firsts(journal) == [6]
    assert read_all(journal / "0", 6).lines == event_lines(6, 8)


@pytest.mark.parametrize(("position", "left"), [(2, [0, 3, 6]), (3, [3, 6]), (5, [3, 6]), (6, [6])])
def test_a_file_stays_while_a_sink_is_still_to_get_something_of_it(
    journal: Path, positions: Positions, position: int, left: list[int]
) -> None:
    reach(positions, position)

    trim(journal, HOUR, LARGE, ["sink"], positions)

    assert firsts(journal) == left


def test_the_slowest_sink_decides(journal: Path, positions: Positions) -> None:
    reach(positions, 8, "fast")
    reach(positions, 3, "slow")

    trim(journal, HOUR, LARGE, ["fast", "slow"], positions)

    assert firsts(journal) == [3, 6]


def test_a_sink_that_has_not_begun_is_waited_for(journal: Path, positions: Positions) -> None:
    reach(positions, 8, "fast")

    trim(journal, HOUR, LARGE, ["fast", "new"], positions)

    assert firsts(journal) == [0, 3, 6]


def test_a_sink_that_is_no_longer_configured_is_not_waited_for(journal: Path, positions: Positions) -> None:
    reach(positions, 8, "sink")
    reach(positions, 0, "former")

    trim(journal, HOUR, LARGE, ["sink"], positions)

    assert firsts(journal) == [6]


def test_the_last_file_stays_since_its_writer_may_be_at_work(journal: Path, positions: Positions) -> None:
    reach(positions, 8)
    age(files.files(journal / "0")[-1])

    trim(journal, HOUR, LARGE, ["sink"], positions)

    assert firsts(journal) == [6]


def test_what_is_young_stays_though_everybody_has_it(tmp_path: Path, positions: Positions) -> None:
    for start in (0, 3):
        keep(tmp_path / "journal/0", event_lines(start, start + 3))
    reach(positions, 6)

    trim(tmp_path / "journal", HOUR, LARGE, ["sink"], positions)

    assert firsts(tmp_path / "journal") == [0, 3]


def test_what_is_young_goes_when_room_gets_short(tmp_path: Path, positions: Positions) -> None:
    filler = event_line(properties={"filler": "x" * 500_000})
    for _ in range(3):
        keep(tmp_path / "journal/0", [filler])
    reach(positions, 2)
    size = files.total_size(tmp_path / "journal")

    trim(tmp_path / "journal", HOUR, size + size // 10, ["sink"], positions)

    assert firsts(tmp_path / "journal") == [2]


def test_not_even_a_full_journal_makes_an_undelivered_file_go(journal: Path, positions: Positions) -> None:
    reach(positions, 2)

    trim(journal, HOUR, 1, ["sink"], positions)

    assert firsts(journal) == [0, 3, 6]


def test_each_shard_is_looked_at_on_its_own(journal: Path, positions: Positions) -> None:
    for start in (0, 3):
        keep(journal / "1", event_lines(start, start + 3))
    age(files.files(journal / "1")[0])
    reach(positions, 8, shard="0")
    reach(positions, 2, shard="1")

    trim(journal, HOUR, LARGE, ["sink"], positions)

    assert (firsts(journal, "0"), firsts(journal, "1")) == ([6], [0, 3])


def test_a_file_goes_with_all_that_sqlite_put_beside_it(tmp_path: Path, positions: Positions) -> None:
    shard = open_shard(tmp_path / "journal/0", seal_at=0)
    shard.write([event_line(0)])
    [first] = files.files(tmp_path / "journal/0")
    Path(f"{first.path}-wal").touch()
    Path(f"{first.path}-shm").touch()
    shard.tidy()
    shard.write([event_line(1)])
    reach(positions, 1)

    trim(tmp_path / "journal", -HOUR, LARGE, ["sink"], positions)

    assert [path for path in first.path.parent.iterdir() if path.name.startswith(first.path.stem)] == []


def test_a_journal_that_is_not_there_yet_is_no_trouble(tmp_path: Path, positions: Positions) -> None:
    (tmp_path / "journal").mkdir()

    trim(tmp_path / "journal", HOUR, LARGE, ["sink"], positions)

    assert list((tmp_path / "journal").iterdir()) == []
