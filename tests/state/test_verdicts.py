"""Verdicts: durable, in order, visible to other processes, trimmed with the journal."""

from collections.abc import Iterator

import pytest

from gateway.errors import StateUnavailable
from gateway.journal.base import Position
from gateway.postgresql.place import Place
from gateway.state.store import State
from gateway.state.verdicts import Indexed, Verdicts
from tests.state.conftest import ID


@pytest.fixture
def verdicts(state: State) -> Verdicts:
    return state.verdicts


@pytest.fixture
def sink(place: Place) -> Iterator[Verdicts]:
    """The verdicts as another process reads them."""
    opened = State.open_read_only(place)
    yield opened.verdicts
    opened.close()


def test_no_event_has_a_verdict_at_first(verdicts: Verdicts) -> None:
    assert (verdicts.ends(), verdicts.positions(), verdicts.duplicates("0", 0, 9)) == ({}, {}, [])


def test_another_process_sees_what_was_recorded(verdicts: Verdicts, sink: Verdicts) -> None:
    found = [dict(sink.ends())]

    verdicts.record([Indexed("0", Position(5, 7), [3]), Indexed("1", Position(2, 8), [])])
    found.append(dict(sink.ends()))
    verdicts.record([Indexed("0", Position(9, 7), [6, 5])])
    found.append(dict(sink.ends()))

    assert found == [{}, {"0": 5, "1": 2}, {"0": 9, "1": 2}]
    assert sink.positions() == {"0": Position(9, 7), "1": Position(2, 8)}
    assert sink.duplicates("0", 0, 9) == [3, 5, 6]


def test_the_process_that_records_sees_it_too(verdicts: Verdicts) -> None:
    verdicts.ends()

    verdicts.record([Indexed("0", Position(5), [])])

    assert verdicts.ends() == {"0": 5}


def test_ends_are_read_again_only_after_a_change(verdicts: Verdicts, sink: Verdicts) -> None:
    verdicts.record([Indexed("0", Position(5), [])])

    assert sink.ends() is sink.ends()


def test_duplicates_are_those_of_the_range_and_partition(verdicts: Verdicts) -> None:
    verdicts.record([Indexed("0", Position(9), [2, 3, 5, 8]), Indexed("1", Position(9), [4])])

    assert verdicts.duplicates("0", 3, 8) == [3, 5]
    assert verdicts.duplicates("1", 0, 4) == []


def test_recording_the_same_again_changes_nothing(verdicts: Verdicts) -> None:
    for _ in range(2):
        verdicts.record([Indexed("0", Position(5, 1), [3, 4])])

    assert (verdicts.ends(), verdicts.duplicates("0", 0, 5)) == ({"0": 5}, [3, 4])


def test_a_partition_is_forgotten_alone(verdicts: Verdicts) -> None:
    verdicts.record([Indexed("0", Position(5), [3]), Indexed("1", Position(6), [4])])

    verdicts.forget("0")

    assert verdicts.ends() == {"1": 6}
    assert (verdicts.duplicates("0", 0, 5), verdicts.duplicates("1", 0, 6)) == ([], [4])


def test_verdicts_are_trimmed_with_the_journal(verdicts: Verdicts) -> None:
    verdicts.record([Indexed("0", Position(9), [2, 5, 7]), Indexed("1", Position(9), [1])])

    verdicts.trim({"0": 5, "1": 0, "2": 3})

    assert (verdicts.duplicates("0", 0, 9), verdicts.duplicates("1", 0, 9)) == ([5, 7], [1])
    assert verdicts.ends() == {"0": 9, "1": 9}


def test_trimming_nothing_writes_nothing(sink: Verdicts, verdicts: Verdicts) -> None:
    verdicts.record([Indexed("0", Position(9), [5])])

    sink.trim({"0": 5})

    with pytest.raises(StateUnavailable):  # it is open for reading only
        sink.trim({"0": 6})


def test_the_verdicts_name_their_journal(sink: Verdicts) -> None:
    assert sink.journal() == ID
