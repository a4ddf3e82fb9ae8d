"""Deletion of journal files: only after every sink has passed them and `keep` is over."""

import os
from pathlib import Path

import pytest

from gateway.delivery.trim import trim
from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.build import event_line, event_lines, keep, open_log, read_all

HOUR = 3600.0


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Two old finished files with three events each, and an open file with two."""
    for start, end in ((0, 3), (3, 6), (6, 8)):
        file = keep(tmp_path / "journal/0", event_lines(start, end))
        if end < 8:
            age(file)
    return tmp_path / "journal"


def age(file: Path) -> None:
    os.utime(file, (0, 0))


def record_position(
    state: State, number: int, sink: str = "sink", partition: str = "0", epoch: int = 0
) -> None:
    state.record(sink, partition, Position(number, epoch), Tally())


def firsts(journal: Path, partition: str = "0") -> list[int]:
    return files.listing(journal / partition)


def test_delivered_events_are_deleted_after_the_retention_time(journal: Path, state: State) -> None:
    record_position(state, 6)

    trim(open_log(journal), HOUR, ["sink"], state)

    assert firsts(journal) == [6]
    assert read_all(journal / "0", 6).lines == event_lines(6, 8)


@pytest.mark.parametrize(("position", "left"), [(2, [0, 3, 6]), (3, [3, 6]), (5, [3, 6]), (6, [6])])
def test_a_file_with_an_undelivered_event_is_retained(
    journal: Path, state: State, position: int, left: list[int]
) -> None:
    record_position(state, position)

    trim(open_log(journal), HOUR, ["sink"], state)

    assert firsts(journal) == left


def test_the_slowest_sink_determines_what_is_deleted(journal: Path, state: State) -> None:
    record_position(state, 8, "fast")
    record_position(state, 3, "slow")

    trim(open_log(journal), HOUR, ["fast", "slow"], state)

    assert firsts(journal) == [3, 6]


def test_nothing_is_deleted_before_a_new_sink_has_started(journal: Path, state: State) -> None:
    record_position(state, 8, "fast")

    trim(open_log(journal), HOUR, ["fast", "new"], state)

    assert firsts(journal) == [0, 3, 6]


def test_a_removed_sink_retains_no_events(journal: Path, state: State) -> None:
    record_position(state, 8, "sink")
    record_position(state, 0, "former")

    trim(open_log(journal), HOUR, ["sink"], state)

    assert firsts(journal) == [6]


def test_the_last_file_of_a_partition_is_retained(journal: Path, state: State) -> None:
    record_position(state, 8)
    age(journal / "0" / files.name(6))

    trim(open_log(journal), HOUR, ["sink"], state)

    assert firsts(journal) == [6]


def test_delivered_events_within_the_retention_time_are_retained(tmp_path: Path, state: State) -> None:
    for start in (0, 3):
        keep(tmp_path / "journal/0", event_lines(start, start + 3))
    record_position(state, 6)

    trim(open_log(tmp_path / "journal"), HOUR, ["sink"], state)

    assert firsts(tmp_path / "journal") == [0, 3]


def test_delivered_events_are_deleted_early_when_space_is_low(tmp_path: Path, state: State) -> None:
    filler = event_line(properties={"filler": "x" * 500_000})
    for _ in range(3):
        keep(tmp_path / "journal/0", [filler])
    record_position(state, 2)
    size = open_log(tmp_path / "journal").size()

    trim(open_log(tmp_path / "journal", size + size // 10), HOUR, ["sink"], state)

    assert firsts(tmp_path / "journal") == [2]


def test_a_full_journal_retains_undelivered_files(journal: Path, state: State) -> None:
    record_position(state, 2)

    trim(open_log(journal, 1), HOUR, ["sink"], state)

    assert firsts(journal) == [0, 3, 6]


def test_each_partition_is_trimmed_separately(journal: Path, state: State) -> None:
    for start in (0, 3):
        keep(journal / "1", event_lines(start, start + 3))
    age(journal / "1" / files.name(0))
    record_position(state, 8, partition="0")
    record_position(state, 2, partition="1")

    trim(open_log(journal), HOUR, ["sink"], state)

    assert (firsts(journal, "0"), firsts(journal, "1")) == ([6], [0, 3])


def test_a_position_of_another_journal_releases_nothing(journal: Path, state: State) -> None:
    record_position(state, 8, epoch=12345)

    trim(open_log(journal), HOUR, ["sink"], state)

    assert firsts(journal) == [0, 3, 6]


def test_a_missing_journal_can_be_trimmed(tmp_path: Path, state: State) -> None:
    (tmp_path / "journal").mkdir()

    trim(open_log(tmp_path / "journal"), HOUR, ["sink"], state)

    assert list((tmp_path / "journal").iterdir()) == []
