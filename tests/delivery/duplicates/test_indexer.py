"""Verdicts: of several events with one source and messageId within the window, the first is new."""

from pathlib import Path

import pytest

from gateway.delivery.duplicates.indexer import Indexer
from gateway.journal.base import Position
from gateway.state.database import Database, prepare
from gateway.state.verdicts import Verdicts
from tests.build import JOURNAL, event_line, event_lines, keep, open_log
from tests.delivery.duplicates.indexing import WINDOW, IndexingProcess
from tests.delivery.duplicates.timed_log import HOUR, TimedLog

SECOND = 1.0


def test_a_retry_of_a_stored_batch_is_a_duplicate(tmp_path: Path) -> None:
    keep(tmp_path / "journal/0", event_lines(0, 3), event_lines(0, 3), event_lines(2, 5))
    prepare(tmp_path / "state.db", JOURNAL)
    database = Database.open(tmp_path / "state.db", JOURNAL)
    verdicts = Verdicts(database)
    indexer = Indexer(open_log(tmp_path / "journal"), verdicts, tmp_path / "duplicates", WINDOW)

    found = [indexer.step(), indexer.step()]

    assert found == [True, False]
    assert verdicts.ends() == {"0": 9}
    assert verdicts.duplicates("0", 0, 9) == [3, 4, 5, 6]
    indexer.close()
    database.close()


def test_a_retry_at_another_intake_process_is_a_duplicate(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a", "b")
    process.run()
    journal.append("1", 5 * SECOND, "b", "c")

    process.run()

    assert process.duplicates() == ["1/0"]
    assert process.verdicts.ends() == {"0": 2, "1": 2}


def test_events_within_one_chunk_are_compared(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a", "b", "a", "a")

    assert process.run().duplicates() == ["0/2", "0/3"]


def test_sources_have_ids_of_their_own(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a", source="website")
    journal.append("0", 0, "a", source="app")
    journal.append("0", 0, "ea", source="websit")

    assert process.run().duplicates() == []


@pytest.mark.parametrize("start", [0.0, 1.0, 13 * HOUR, 13.5 * HOUR, 1_790_000_000.0])
@pytest.mark.parametrize(
    ("age", "duplicate"),
    [
        pytest.param(0.0, True, id="at once"),
        pytest.param(13 * HOUR, True, id="half a window later"),
        pytest.param(WINDOW - 0.001, True, id="just within the window"),
        pytest.param(WINDOW, False, id="a window later"),
        pytest.param(3 * WINDOW, False, id="three windows later"),
    ],
)
def test_an_id_counts_for_the_length_of_the_window(
    process: IndexingProcess, journal: TimedLog, start: float, age: float, duplicate: bool
) -> None:
    journal.append("0", start, "a")
    for hours in range(1, int(age / HOUR)):
        journal.append("0", start + hours * HOUR, f"at {hours}")
    journal.append("0", start + age, "a")
    last = journal.chunks["0"][-1].first

    assert process.run().duplicates() == ([f"0/{last}"] if duplicate else [])


def test_the_window_begins_with_the_event_that_was_delivered(
    process: IndexingProcess, journal: TimedLog
) -> None:
    for hours in (0, 20, 25, 48, 50):
        journal.append("0", hours * HOUR, "a")

    assert process.run().duplicates() == ["0/1", "0/3"]


def test_a_short_window_is_kept_to_the_second(tmp_path: Path, journal: TimedLog) -> None:
    process = IndexingProcess(tmp_path, journal, window=10.0)
    for seconds in (0, 9, 11, 20, 22):
        journal.append("0", seconds, "a")

    assert process.run().duplicates() == ["0/1", "0/3"]
    process.close()


def test_partitions_that_are_far_apart_in_time_are_indexed_in_the_order_of_time(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a")
    journal.append("0", 100 * HOUR, "b")
    large = event_line(messageId="large", properties={"text": "x" * 1_500_000})
    for hours in range(0, 60, 20):
        journal.append_lines("1", hours * HOUR, [large, event_line(messageId="a")])
    journal.append("2", 90 * HOUR, "b")
    ends = []

    while process.indexer.step():
        ends.append(dict(process.verdicts.ends()))

    assert ends == [
        {"0": 1, "1": 2},
        {"0": 1, "1": 4},
        {"0": 1, "1": 6},
        {"0": 2, "1": 6, "2": 1},
    ]
    assert process.duplicates() == ["0/1", "1/1", "1/2", "1/3"]


def test_a_clock_that_was_ahead_for_a_while_costs_no_event(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a")
    journal.append("0", 1000 * WINDOW, "a", "b")
    journal.append("0", HOUR, "a", "b")
    journal.append("0", 2 * HOUR, "b", "c")

    assert process.run().duplicates() == ["0/3", "0/5"]


def test_lines_that_cannot_be_read_are_new_and_harm_no_other(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append_lines("0", 0, [event_line(1), b"{}", b'{"messageId":"\xff"}', b"not JSON", b"{}"])
    journal.append_lines("0", 0, [b"{}", event_line(1), b""])

    assert process.run().duplicates() == ["0/6"]


def test_deleted_events_are_passed(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a", "b")
    process.run()
    journal.append("0", 0, "a", "c")
    journal.append("0", 0, "b", "c")
    journal.release({"0": 4}, 0.0)

    process.run()

    assert process.verdicts.positions() == {"0": Position(6, 1)}
    assert process.duplicates() == ["0/4"]


def test_nothing_is_indexed_without_partitions(process: IndexingProcess) -> None:
    assert not process.indexer.step()


def test_where_processes_share_the_partitions_each_indexes_its_own_and_compares_within_them(
    process: IndexingProcess, journal: TimedLog, tmp_path: Path
) -> None:
    journal.append("0", 0, "a", "b", "a")
    journal.append("1", 5 * SECOND, "a", "c", "c")
    held = {"0": 1}
    indexer = Indexer(journal, process.verdicts, tmp_path / "shared", WINDOW, lambda: held)
    while indexer.step():
        pass
    before = process.duplicates()

    held["1"] = 1
    while indexer.step():
        pass
    indexer.close()

    assert before == ["0/2"]
    assert process.duplicates() == ["0/2", "1/2"]


def test_a_partition_that_comes_back_is_restored_with_what_another_process_has_decided(
    process: IndexingProcess, journal: TimedLog, tmp_path: Path
) -> None:
    journal.append("0", 0, "a", "b")
    held = {"0": 1}
    indexer = Indexer(journal, process.verdicts, tmp_path / "one", WINDOW, lambda: held)
    other = Indexer(journal, process.verdicts, tmp_path / "other", WINDOW, lambda: {"0": 2})
    while indexer.step():
        pass
    held.clear()
    indexer.step()
    journal.append("0", SECOND, "c", "a")
    while other.step():
        pass
    other.close()

    held["0"] = 3
    journal.append("0", 2 * SECOND, "c", "d")
    while indexer.step():
        pass
    indexer.close()

    assert process.duplicates() == ["0/3", "0/4"]
