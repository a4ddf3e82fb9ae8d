"""
Appending to a partition: everything that waits goes into one commit, and is durable when it returns.

The event loop hands lines over and waits; a thread of its own has the files. While one commit is synced the
next one gathers, so that no timer is needed, and a busy gateway syncs less often an event.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog

from gateway import metrics
from gateway.errors import JournalUnavailable, Overloaded
from gateway.journal import chunk

log = structlog.get_logger()

_LARGEST_CHUNK = 4 * 1024 * 1024  # bytes a commit; what waits beyond it goes into the next
_MOST_WAITING = 64 * 1024 * 1024  # bytes; beyond it new submissions are turned away
# A commit is handed over after so many turns of the event loop that brought nothing more for it: requests
# that have arrived already are read within them.
_QUIET_TURNS = 3
_LONGEST_GATHERING = 0.002  # seconds that requests already here may take to join a commit
_CHECK_EVERY = 0.5  # seconds between two looks at the file while nothing is written
_PROBE_LASTS = 1.0  # seconds for which a commit answers the question whether there could be one
_PROBE_TIMEOUT = 5.0  # seconds


class Partition(Protocol):
    """What makes lines durable. All its methods are called on one thread."""

    def recover(self) -> None: ...
    def write(self, blocks: Sequence[bytes], carries: int, count: int, /) -> None: ...
    def probe(self) -> None: ...
    def check(self) -> None: ...
    def tidy(self) -> None: ...
    def close(self) -> None: ...


class Commit:
    """What one commit will hold, and who waits for it."""

    def __init__(self) -> None:
        self.since = time.perf_counter()
        self.blocks: list[bytes] = []
        self.count = 0
        self.carries = 0
        self.size = 0
        self.waiters: list[asyncio.Future[None]] = []
        self.callbacks: list[Callable[[JournalUnavailable | None], None]] = []


class Writer:
    """Appends to a partition; made, used and closed on one event loop."""

    def __init__(self, partition: Partition) -> None:
        self._loop = asyncio.get_running_loop()
        self._gathering: deque[Commit] = deque()
        self._waiting = 0
        self._busy = False
        self._last_success = float("-inf")
        self._trouble = ""
        self._failures = 0
        self._work: SimpleQueue[Commit | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(partition,), name="journal", daemon=True)
        self._thread.start()

    def append(
        self, blocks: Sequence[bytes], carries: int = chunk.ANYTHING, count: int | None = None
    ) -> asyncio.Future[None]:
        """
        Return a future that is done once the events are on stable storage; see journal/base.py for a block.

        JournalUnavailable means that they cannot be acknowledged, not that they are not there: a commit
        whose sync failed may still be found later. Overloaded means that nothing was tried.
        """
        commit = self._join(blocks, carries, len(blocks) if count is None else count)
        waiter = self._loop.create_future()
        commit.waiters.append(waiter)
        return waiter

    def append_then(
        self, block: bytes, carries: int, count: int, done: Callable[[JournalUnavailable | None], None]
    ) -> None:
        """
        Append, and call `done` on the event loop once the events are on stable storage, or with the error.

        A callback costs less than a future that wakes a task. It must not raise. Raises Overloaded.
        """
        self._join((block,), carries, count).callbacks.append(done)

    def _join(self, blocks: Sequence[bytes], carries: int, count: int) -> Commit:
        """Add blocks to the commit that is gathering."""
        size = sum(map(len, blocks)) + len(blocks)
        if self._waiting + size > _MOST_WAITING:
            raise Overloaded
        if not self._gathering or self._gathering[-1].size >= _LARGEST_CHUNK:
            self._gathering.append(Commit())
            if not self._busy:
                self._busy = True
                self._loop.call_soon(self._gather)
        commit = self._gathering[-1]
        commit.blocks.extend(blocks)
        commit.count += count
        commit.carries |= carries
        commit.size += size
        self._waiting += size
        return commit

    async def probe(self) -> None:
        """Return if something was written a moment ago, or can be now; else JournalUnavailable."""
        if time.monotonic() - self._last_success < _PROBE_LASTS:
            return
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                await self.append(())
        except TimeoutError as error:
            raise JournalUnavailable(f"no commit within {_PROBE_TIMEOUT:.0f} s") from error

    async def close(self) -> None:
        """Finish what was begun, and the file."""
        while self._gathering:  # the thread takes nothing more once it was told to end
            last = self._loop.create_future()
            self._gathering[-1].waiters.append(last)
            await asyncio.wait((last,))
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)

    def _gather(self, seen: int = 0, quiet: int = 0) -> None:
        """Hand a commit over when some turns of the loop have brought no more lines, or when it is old."""
        commit = self._gathering[0]
        if commit.size > seen:
            quiet = 0
        young = time.perf_counter() - commit.since < _LONGEST_GATHERING
        if young and quiet < _QUIET_TURNS:
            self._loop.call_soon(self._gather, commit.size, quiet + 1)
        else:
            self._work.put(self._gathering.popleft())

    def _settle(self, commit: Commit, trouble: JournalUnavailable | None) -> None:
        self._waiting -= commit.size
        self._last_success = float("-inf") if trouble else time.monotonic()
        for waiter in commit.waiters:
            if waiter.done():  # cancelled: nobody is there any more to be told
                continue
            if trouble:
                waiter.set_exception(JournalUnavailable(trouble.details))
            else:
                waiter.set_result(None)
        for done in commit.callbacks:
            done(JournalUnavailable(trouble.details) if trouble else None)
        if not trouble:
            metrics.RECEIVED.add(commit.count)
            metrics.ACCEPTED.add(commit.count)
        if self._gathering:
            self._gather()
        else:
            self._busy = False

    def _run(self, partition: Partition) -> None:
        try:
            self._work_off(partition)
        except BaseException:
            # Nobody shall wait for a thread that is gone; whoever watches this process starts another.
            log.exception("the journal's thread died")
            os._exit(70)

    def _work_off(self, partition: Partition) -> None:
        partition.recover()
        while True:
            try:
                commit = self._work.get(timeout=_CHECK_EVERY)
            except Empty:
                partition.check()
                partition.tidy()
                continue
            if commit is None:
                return partition.close()
            trouble = self._write(partition, commit)
            self._loop.call_soon_threadsafe(self._settle, commit, trouble)
            partition.tidy()

    def _write(self, partition: Partition, commit: Commit) -> JournalUnavailable | None:
        try:
            if commit.count:
                partition.write(commit.blocks, commit.carries, commit.count)
            else:
                partition.probe()
        except JournalUnavailable as trouble:
            metrics.COMMIT_FAILURES.inc()
            self._say(trouble.details)
            return trouble
        self._say("")
        metrics.COMMIT_SECONDS.add(time.perf_counter() - commit.since)
        metrics.COMMIT_EVENTS.add(commit.count)
        return None

    def _say(self, trouble: str) -> None:
        """Log when commits begin to fail, when they fail for another reason, and when they succeed again."""
        if trouble and trouble != self._trouble:
            log.error("journal unavailable", reason=trouble)
        elif self._trouble and not trouble:
            log.info("journal available again", failed_commits=self._failures)
        self._failures = self._failures + 1 if trouble else 0
        self._trouble = trouble
