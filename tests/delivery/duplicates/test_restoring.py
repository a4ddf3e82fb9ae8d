"""Crashes and losses: an event that has a verdict keeps it, and an index that was lost is restored."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.delivery.duplicates.database import IndexInUse
from gateway.delivery.duplicates.indexer import Indexer
from gateway.errors import StateUnavailable
from tests.delivery.duplicates.indexing import WINDOW, IndexingProcess, copy_folder
from tests.delivery.duplicates.timed_log import HOUR, TimedLog


def warnings(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["event"] for each in logs if each["log_level"] in ("warning", "error")]


def remove(index: Path) -> None:
    shutil.rmtree(index)


def overwrite(name: str) -> Callable[[Path], None]:
    """Return a function that overwrites the middle of the largest file with such a name."""

    def damage(index: Path) -> None:
        file = max(index.glob(name), key=lambda path: path.stat().st_size)
        content = file.read_bytes()
        middle = len(content) // 2
        file.write_bytes(content[:middle] + b"\xff" * 50 + content[middle + 50 :])

    return damage


def empty(name: str) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        for file in index.glob(name):
            file.write_bytes(b"")

    return damage


def delete(name: str) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        for file in index.glob(name):
            file.unlink()

    return damage


DAMAGES = [
    pytest.param(remove, id="removed"),
    pytest.param(overwrite("*.sst"), id="a damaged block"),
    pytest.param(delete("*.sst"), id="a missing file"),
    pytest.param(empty("CURRENT"), id="no manifest named"),
    pytest.param(delete("CURRENT"), id="no CURRENT"),
    pytest.param(overwrite("MANIFEST-*"), id="a damaged manifest"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_or_damaged_index_is_restored(
    process: IndexingProcess, journal: TimedLog, damage: Callable[[Path], None]
) -> None:
    journal.append("0", 0, *(f"{number}" for number in range(2000)))
    journal.append("1", HOUR, "5", "x")
    process.run()
    process.restart()
    process.run()  # what was in memory is now in a file
    process.close()
    damage(process.index)
    process.open()
    journal.append("0", 2 * HOUR, "x", "7", "y")

    with capture_logs() as logs:
        process.run()

    assert process.duplicates() == ["0/2000", "0/2001", "1/0"]
    assert warnings(logs)
    assert logs[-1] == {"event": "index of duplicates restored", "events": 2002, "log_level": "info"}


def test_what_the_index_lost_in_a_power_failure_is_restored(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, *(f"{number}" for number in range(100)))
    process.run()
    journal.append("0", HOUR, "a", "5")
    process.run()
    journal.append("1", HOUR, "b", "a")
    process.run()
    [written] = process.index.glob("*.log")
    content = written.read_bytes()
    process.crash()
    process.close()
    written.write_bytes(content[:-100])
    process.open()
    journal.append("0", 2 * HOUR, "b", "a", "c")

    with capture_logs() as logs:
        process.run()

    assert process.duplicates() == ["0/101", "0/102", "0/103", "1/1"]
    assert logs[-1] == {"event": "index of duplicates restored", "events": 4, "log_level": "info"}


def test_an_older_index_is_brought_up_to_the_state(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a")
    process.run()
    process.close()
    older = process.folder / "older"
    copy_folder(process.index, older)
    process.open()
    journal.append("0", HOUR, "b", "a")
    process.run()
    process.close()
    shutil.rmtree(process.index)
    older.rename(process.index)
    process.open()
    journal.append("0", 2 * HOUR, "b", "c")

    assert process.run().duplicates() == ["0/2", "0/3"]


@pytest.mark.parametrize("times", [1, 3])
def test_events_indexed_again_after_a_crash_have_the_same_verdicts(
    process: IndexingProcess, journal: TimedLog, times: int
) -> None:
    journal.append("0", 0, "a", "b")
    process.run()
    journal.append("0", HOUR, "b", "c", "c")
    journal.append("1", HOUR, "c", "d")

    for _ in range(times):
        process.crash_before_recording()

    assert dict(process.verdicts.ends()) == {"0": 2}
    with capture_logs() as logs:
        process.run()
    assert process.duplicates() == ["0/2", "0/4", "1/0"]
    assert warnings(logs) == []


def test_events_that_were_indexed_in_another_order_before_a_crash_are_not_lost(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("1", HOUR, "a")
    process.crash_before_recording()
    journal.append("0", 0, "a")

    process.run()

    assert process.duplicates() == ["0/0"]


def test_a_crash_after_the_verdicts_were_recorded_changes_nothing(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a", "b", "a")
    process.run()

    process.crash()

    with capture_logs() as logs:
        process.run()
    assert (process.duplicates(), logs) == (["0/2"], [])


def test_after_a_failure_to_record_the_same_indexer_goes_on(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a", "a")
    process.run()
    state = process.folder / "state.db"
    aside = state.rename(process.folder / "aside")
    journal.append("0", HOUR, "a", "b")

    with pytest.raises(StateUnavailable):
        process.indexer.step()

    aside.rename(state)
    assert process.run().duplicates() == ["0/1", "0/2"]


def test_after_the_loss_of_the_state_all_verdicts_are_made_anew(
    process: IndexingProcess, journal: TimedLog
) -> None:
    for hours in range(3):
        journal.append("0", hours * HOUR, f"at {hours}", "a")
        process.run()
    process.close()
    (process.folder / "state.db").unlink()
    process.open()
    journal.release({"0": 2}, 0.0)

    with capture_logs() as logs:
        process.run()

    assert process.duplicates() == ["0/5"]
    assert warnings(logs) == ["index of duplicates ahead of the state, deleted"]


def test_the_index_of_another_journal_is_not_used(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a")
    process.run()
    process.close()
    (process.folder / "state.db").unlink()
    process.open(journal=bytes(16))
    journal.chunks.clear()
    journal.append("1", HOUR, "a")

    with capture_logs() as logs:
        process.run()

    assert (process.duplicates(), warnings(logs)) == ([], ["index of duplicates unusable, deleted"])


def test_a_window_that_was_made_longer_applies_at_once(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a")
    process.run()
    for hours in (20, 40, 49):
        journal.append("0", hours * HOUR, f"at {hours}")
    process.run()
    process.indexer.close()
    process.indexer = Indexer(journal, process.verdicts, process.index, 3 * WINDOW)
    journal.append("0", 50 * HOUR, "a")

    assert process.run().duplicates() == ["0/4"]


def test_a_partition_of_an_older_backup_is_indexed_anew(process: IndexingProcess, journal: TimedLog) -> None:
    journal.append("0", 0, "a")
    journal.append("0", 0, "b", "a")
    journal.append("1", HOUR, "c", "a")
    process.run()
    journal.cut("0", chunks=1)
    journal.append("0", 2 * HOUR, "d", "b", "c")

    with capture_logs() as logs:
        process.run()

    assert process.duplicates() == ["0/3", "1/1"]
    assert [(each["partition"], each["position"]) for each in logs if "partition" in each] == [("0", 3)]


def test_a_partition_that_was_replaced_while_stopped_is_indexed_anew(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a")
    journal.append("0", 0, "b")
    process.run()
    process.close()
    process.open()
    journal.cut("0", chunks=0)
    journal.append("0", 2 * HOUR, "b", "a")
    journal.append("1", 3 * HOUR, "a")

    assert process.run().duplicates() == ["1/0"]


def test_only_what_the_window_needs_is_restored(process: IndexingProcess, journal: TimedLog) -> None:
    for hours in range(0, 200, 2):
        journal.append("0", hours * HOUR, f"at {hours}")
    process.run()
    process.close()
    shutil.rmtree(process.index)
    process.open()
    journal.append("0", 199 * HOUR, "at 176", "at 170")

    with capture_logs() as logs:
        process.run()

    assert process.duplicates() == ["0/100"]
    assert logs[-1]["events"] < 22


def test_an_index_that_another_process_uses_is_left_alone(
    process: IndexingProcess, journal: TimedLog
) -> None:
    journal.append("0", 0, "a")
    process.run()
    other = Indexer(journal, process.verdicts, process.index, WINDOW)

    with pytest.raises(IndexInUse):
        other.step()

    journal.append("0", 0, "a")
    assert process.run().duplicates() == ["0/1"]
