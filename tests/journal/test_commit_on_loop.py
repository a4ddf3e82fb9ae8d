"""Commits on the event loop: only small and quick ones, with the same promises as those on the thread."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from gateway import durable
from gateway.errors import JournalUnavailable
from gateway.journal import writer
from gateway.journal.chunk import ANYTHING
from gateway.journal.pace import Pace, Patience
from gateway.journal.segments import files
from gateway.journal.segments.files import START
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from gateway.journal.writer import Writer
from tests.build import JOURNAL, Read, event_line, event_lines, read_all
from tests.gateway import PATIENCE
from tests.journal.breaking import failing_sync, full_disk

pytestmark = pytest.mark.anyio

LOOP, THREAD = "MainThread", "journal"
SMALL, LARGE = b"x" * 100, b"x" * 70_000
FILE_BYTES = START + 20_000


def always_fast() -> Pace:
    return Pace(fast=1000.0, slow=1000.0, stall=1000.0)


class Unstored:
    """A partition that stores nothing, and records which thread made each commit."""

    def __init__(self, *, quick: bool = True) -> None:
        self.threads: list[str] = []
        self.checked, self.may_go_on = threading.Event(), threading.Event()
        self._quick = quick

    def is_quick(self, size: int) -> bool:
        return self._quick

    def write(self, blocks: Sequence[bytes], carries: int, count: int) -> None:
        self.probe()

    def probe(self) -> None:
        self.threads.append(threading.current_thread().name)

    def check(self) -> None:
        """Take long, as when a file is restored."""
        self.checked.set()
        self.may_go_on.wait(PATIENCE)

    def recover(self) -> None: ...
    def roll_if_due(self) -> None: ...
    def close(self) -> None: ...


class Watched(Partition):
    """A partition with small files that records which thread made each commit."""

    def __init__(self, folder: Path) -> None:
        quota = Quota(folder.parent, 2**40)
        super().__init__(folder, JOURNAL, folder.parent / "quarantine", quota, FILE_BYTES, math.inf)
        self.threads: list[str] = []

    def write(self, blocks: Sequence[bytes], carries: int = ANYTHING, count: int | None = None) -> None:
        self.threads.append(threading.current_thread().name)
        super().write(blocks, carries, count)


@asynccontextmanager
async def writing(
    partition: writer.Partition, pace: Pace | None = None, patience: Patience | None = None
) -> AsyncIterator[Writer]:
    opened = Writer(partition, pace or always_fast(), patience)
    try:
        async with asyncio.timeout(PATIENCE):
            await opened.append([event_line(0)])  # the first commit is the thread's
            yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def storing(folder: Path) -> AsyncIterator[tuple[Writer, Watched, int]]:
    """Append events until the event loop commits; yield also their number."""
    durable.make_folder(folder)
    partition = Watched(folder)
    async with writing(partition) as opened:
        number = 1
        while partition.threads[-1] != LOOP:
            await opened.append([event_line(number)])
            number += 1
        yield opened, partition, number


async def given_back(opened: Writer) -> None:
    """Return once the thread has given the partition back, a moment after its commit is told."""
    while opened._in_use.locked():
        await anyio.lowlevel.checkpoint()


def newest(folder: Path) -> Path:
    return folder / files.name(files.listing(folder)[-1])


@pytest.mark.parametrize(
    ("partition", "pace", "block", "expected"),
    [
        pytest.param(Unstored(), always_fast(), SMALL, LOOP, id="small, quick, fast"),
        pytest.param(Unstored(), always_fast(), LARGE, THREAD, id="large"),
        pytest.param(Unstored(quick=False), always_fast(), SMALL, THREAD, id="not quick"),
        pytest.param(Unstored(), Pace(fast=0.0), SMALL, THREAD, id="slow"),
    ],
)
async def test_the_event_loop_commits_what_is_small_quick_and_fast(
    partition: Unstored, pace: Pace, block: bytes, expected: str
) -> None:
    partition.may_go_on.set()

    async with writing(partition, pace) as opened:
        await given_back(opened)
        await opened.append([block])

    assert partition.threads == [THREAD, expected]


def patient() -> Patience:
    """A patience that many waits have rewarded."""
    patience = Patience()
    for _ in range(20):
        patience.add(is_rewarded=True)
    return patience


async def test_a_few_events_wait_for_more_and_share_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_WAIT_SECONDS", 0.2)
    partition = Unstored()
    partition.may_go_on.set()
    commits = []

    async with writing(partition, patience=patient()) as opened:
        for _ in range(10):  # since a machine may stand still for longer than a commit waits
            before = len(partition.threads)
            first = opened.append([SMALL])
            for _ in range(100):  # turns of the event loop, more than a commit waits for otherwise
                await asyncio.sleep(0)
            await asyncio.gather(first, opened.append([SMALL]))
            commits.append(len(partition.threads) - before)
            if commits[-1] == 1:
                break

    assert commits[-1] == 1


@pytest.mark.parametrize(
    ("pace", "events"),
    [
        pytest.param(always_fast(), 6, id="many events"),
        pytest.param(always_fast(), 0, id="a probe"),
        pytest.param(Pace(fast=0.0), 1, id="slow commits"),
    ],
)
async def test_whatever_else_is_committed_does_not_wait(
    pace: Pace, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_WAIT_SECONDS", 2 * PATIENCE)
    partition = Unstored()
    partition.may_go_on.set()

    async with writing(partition, pace, patient()) as opened:
        await opened.append([SMALL] * events)

    assert len(partition.threads) == 2


async def test_a_wait_ends_once_there_are_enough_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_WAIT_SECONDS", 2 * PATIENCE)
    partition = Unstored()
    partition.may_go_on.set()

    async with writing(partition, patience=patient()) as opened:
        first = opened.append([SMALL])
        for _ in range(100):
            await asyncio.sleep(0)
        await asyncio.gather(first, *(opened.append([SMALL]) for _ in range(6)))

    assert len(partition.threads) == 2


async def test_waits_that_bring_nothing_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_WAIT_SECONDS", 0.0)
    partition, patience = Unstored(), patient()
    partition.may_go_on.set()

    async with writing(partition, patience=patience) as opened:
        for _ in range(20):
            await given_back(opened)
            await opened.append([SMALL])

    assert not patience.has_some()


async def test_probes_are_made_by_the_thread() -> None:
    partition = Unstored()
    partition.may_go_on.set()

    async with writing(partition) as opened:
        await opened.append([])

    assert partition.threads == [THREAD, THREAD]


async def test_one_stall_moves_the_next_commits_to_the_thread() -> None:
    partition, pace = Unstored(), Pace(stall=0.0)
    partition.may_go_on.set()

    async with writing(partition, pace) as opened:
        pace.is_fast = True
        for _ in range(3):
            await given_back(opened)
            await opened.append([SMALL])

    assert partition.threads == [THREAD, LOOP, THREAD, THREAD]


async def test_the_event_loop_does_not_wait_for_a_partition_in_use() -> None:
    partition = Unstored()

    async with writing(partition) as opened:
        await asyncio.to_thread(partition.checked.wait, PATIENCE)
        appended = opened.append([SMALL])
        for _ in range(100):  # turns of the event loop, more than a commit waits for
            await asyncio.sleep(0)
        partition.may_go_on.set()
        await appended

    assert partition.threads == [THREAD, THREAD]


async def test_events_keep_their_order_whoever_commits_them(tmp_path: Path) -> None:
    async with storing(tmp_path / "0") as (opened, partition, number):
        block = b"\n".join(event_lines(number + 1, number + 31))
        waiting = opened.append([event_line(number)])
        await opened.append([block], count=30)
        await waiting
        await opened.append([event_line(number + 31)])

        assert {LOOP, THREAD} <= set(partition.threads)
    assert read_all(tmp_path / "0").lines == event_lines(0, number + 32)


async def test_files_stay_within_their_size(tmp_path: Path) -> None:
    async with storing(tmp_path / "0") as (opened, _, number):
        for more in range(number, number + 150):
            await opened.append([event_line(more)])

    sizes = [path.stat().st_size for path in (tmp_path / "0").iterdir()]
    assert len(sizes) > 2
    assert max(sizes) <= FILE_BYTES + 1000
    assert read_all(tmp_path / "0").lines == event_lines(0, number + 150)


async def test_a_failed_sync_fails_its_appends_and_the_next_file_is_used(tmp_path: Path) -> None:
    async with storing(tmp_path / "0") as (opened, _, number):
        failing_sync(newest(tmp_path / "0"))
        with pytest.raises(JournalUnavailable):
            await opened.append([event_line(number)])
        await opened.append([event_line(number)])

        assert files.listing(tmp_path / "0")[-1] == number
    assert read_all(tmp_path / "0") == Read(event_lines(0, number + 1), 0, number + 1)


async def test_a_full_disk_fails_its_appends_and_later_ones_succeed(tmp_path: Path) -> None:
    async with storing(tmp_path / "0") as (opened, _, number):
        with full_disk(newest(tmp_path / "0")), pytest.raises(JournalUnavailable):
            await opened.append([event_line(number)])
        await opened.append([event_line(number)])

    assert read_all(tmp_path / "0").lines == event_lines(0, number + 1)


async def test_the_thread_restores_a_removed_file(tmp_path: Path) -> None:
    async with storing(tmp_path / "0") as (opened, partition, number):
        newest(tmp_path / "0").unlink()
        await opened.append([event_line(number)])

        assert partition.threads[-1] == THREAD
    assert read_all(tmp_path / "0").lines == event_lines(0, number + 1)
