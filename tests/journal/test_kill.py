"""A writer can be killed between any two system calls."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.files import START
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from gateway.journal.segments.reader import Reader
from tests.build import JOURNAL, Read, event_line, event_lines, open_partition, read_all
from tests.journal.breaking import crashed


class Moment(NamedTuple):
    """A snapshot of a partition."""

    call: str
    folder: Path
    acknowledged: int
    """Number of events acknowledged by then."""


def watch(folder: Path, copies: Path, work: Callable[[list[int]], None]) -> list[Moment]:
    """
    Copy a partition after every system call of `work` that changes it.

    `work` appends the number of acknowledged events to its list.
    """
    moments: list[Moment] = []
    acknowledged = [0]
    seen: list[object] = []

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event in ("c_call", "c_return") and getattr(called, "__module__", "") == "posix":
            state = {path: path.read_bytes() for path in folder.glob("*")}, acknowledged[0]
            if state in seen[-1:]:
                return
            seen.append(state)
            copy = copies / str(len(moments))
            found = crashed(folder, copy) if folder.exists() else copy / folder.name
            moments.append(Moment(f"{event} {called.__name__}", found, acknowledged[0]))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        work(acknowledged)
    finally:
        sys.setprofile(before)
    return moments


def check(moment: Moment) -> None:
    """Check that recovery finds every acknowledged event and that appends continue after them."""
    before = read_all(moment.folder)
    partition = open_partition(moment.folder, largest=START + 600)
    found = read_all(moment.folder)
    partition.write([event_line(found.end)])
    partition.close()
    after = read_all(moment.folder)

    assert found == Read(event_lines(0, found.end), 0, found.end), moment.call
    assert found.end >= moment.acknowledged, moment.call
    assert before == Read(event_lines(0, before.end), 0, before.end), moment.call
    assert moment.acknowledged <= before.end <= found.end, moment.call
    assert after == Read(event_lines(0, found.end + 1), 0, found.end + 1), moment.call
    assert Reader(moment.folder).accepts(Position(found.end)), moment.call


def test_a_kill_at_any_system_call_loses_no_acknowledged_event(tmp_path: Path) -> None:
    folder = tmp_path / "live/0"

    def work(acknowledged: list[int]) -> None:
        for number in range(0, 10, 2):
            if number in (0, 6):
                partition = open_partition(folder, largest=START + 600)
            partition.write(event_lines(number, number + 2))
            acknowledged[0] = number + 2
            partition.roll_if_due()
            if number == 8:
                partition.probe()
                partition.check()
                partition.close()

    moments = watch(folder, tmp_path / "copies", work)

    calls = {moment.call for moment in moments}
    assert {f"c_return {name}" for name in ("pwritev", "pwrite", "rename", "ftruncate")} <= calls
    for moment in moments:
        check(moment)
    assert files.listing(folder)[0] == 0


def test_a_kill_at_any_system_call_of_recovery_loses_nothing(tmp_path: Path) -> None:
    live = open_partition(tmp_path / "live/0")
    live.write(event_lines(0, 4))
    folder = crashed(tmp_path / "live/0", tmp_path / "crashed")
    live.close()

    def work(acknowledged: list[int]) -> None:
        acknowledged[0] = 4
        open_partition(folder).close()

    for moment in watch(folder, tmp_path / "copies", work):
        check(moment)


def test_a_kill_at_any_system_call_of_a_rescue_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "live/0"
    partition = open_partition(folder)
    partition.write(event_lines(0, 4))
    shutil.rmtree(folder)

    def work(acknowledged: list[int]) -> None:
        partition.write(event_lines(4, 5))
        acknowledged[0] = 5

    moments = watch(folder, tmp_path / "copies", work)
    partition.close()

    restored = [moment for moment in moments if files.listing(moment.folder)]
    assert restored
    for moment in restored:
        check(moment)


def test_a_kill_at_any_system_call_of_retirement_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "live/0"
    open_partition(folder).close()
    partition = open_partition(folder)
    partition.write(event_lines(0, 4))
    partition.close()
    quota = Quota(tmp_path / "live", 2**40)

    def work(acknowledged: list[int]) -> None:
        acknowledged[0] = 4
        Partition(folder, JOURNAL, tmp_path / "quarantine", quota, 2**20, 1.0).retire()

    for moment in watch(folder, tmp_path / "copies", work):
        check(moment)
