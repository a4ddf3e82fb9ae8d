"""
Group commit: everything that waits is appended to a partition in one commit.

The event loop queues lines and waits; a separate thread commits them. While one commit is synced, the next
one collects lines, so that a busy gateway needs fewer syncs per event.

While commits are fast (pace.py), the event loop makes small ones itself: waking the thread and being woken
costs more CPU time than such a commit. A commit of a few events waits up to two milliseconds for more as
long as some arrive: at 2,000 events a second, this takes 22 % of a core instead of 43. Anything that may take
longer than an append is left to the thread. A disk that stalls blocks the event loop for one commit, and
after that only the thread.
"""

import asyncio
import os
import sys
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
from gateway.journal.base import Promise
from gateway.journal.pace import Pace, Patience

log = structlog.get_logger()

_MAX_CHUNK_BYTES = 4 * 1024 * 1024  # beyond it, lines go into the next commit
_MAX_BYTES_ON_LOOP = 64 * 1024  # a larger commit is made by the thread
_MAX_WAITING_BYTES = 64 * 1024 * 1024  # beyond it, new appends raise Overloaded
# A commit starts after this many turns of the event loop without new lines. Requests that have already
# arrived are read within these turns.
_QUIET_TURNS = 2
_MAX_GATHERING_SECONDS = 0.001
_FEW_EVENTS = 6  # a commit of fewer may wait until it has as many
_WAIT_SECONDS = 0.002
_CHECK_INTERVAL_SECONDS = 0.5  # between two checks of the file while nothing is written
_PROBE_VALID_SECONDS = 1.0  # a commit this recent counts as a successful probe
_PROBE_TIMEOUT_SECONDS = 5.0


class Partition(Protocol):
    """Makes lines durable. The writer calls its methods on two threads, but never two at once."""

    def recover(self) -> None: ...
    def is_quick(self, size: int, /) -> bool: ...
    def write(self, blocks: Sequence[bytes], carries: int, count: int, /) -> None: ...
    def probe(self) -> None: ...
    def check(self) -> None: ...
    def roll_if_due(self) -> None: ...
    def close(self) -> None: ...


class Commit:
    """The lines of one commit, and the futures and callbacks that wait for it."""

    def __init__(self) -> None:
        self.started_at = time.perf_counter()
        self.blocks: list[bytes] = []
        self.count = 0
        self.carries = 0
        self.size = 0
        self.waiters: list[asyncio.Future[None]] = []
        self.callbacks: list[Callable[[JournalUnavailable | None], None]] = []


class Writer:
    """
    Implements journal.base.Appender for a partition of this machine.

    Must be created, used and closed on one event loop. The partition is recovered before the first commit.
    """

    partitions = 1
    max_line = sys.maxsize

    def __init__(
        self, partition: Partition, pace: Pace | None = None, patience: Patience | None = None
    ) -> None:
        self.promise = Promise()
        self._loop = asyncio.get_running_loop()
        self._partition = partition
        self._in_use = threading.Lock()
        """Held by whichever thread uses the partition. The event loop never waits for it."""
        self._pace = pace or Pace()
        self._patience = patience or Patience()
        self._commits: deque[Commit] = deque()
        self._waiting = 0
        self._wait: asyncio.TimerHandle | None = None
        """The end of a wait for more events."""
        self._busy = False
        self._last_success = float("-inf")
        self._last_error = ""
        self._failures = 0
        self._work: SimpleQueue[Commit | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(
        self,
        blocks: Sequence[bytes],
        carries: int = chunk.ANYTHING,
        count: int | None = None,
        _partitions: Sequence[int] = (),
    ) -> asyncio.Future[None]:
        """
        Return a future that is done once the events are on stable storage; see journal/base.py for a block.

        The future fails with JournalUnavailable if the lines cannot be acknowledged. They may be stored all
        the same: a commit whose sync failed may be found later. Cancelling the future does not withdraw the
        lines. Raises Overloaded, at once, if too much is waiting; nothing is written then.
        """
        size = sum(map(len, blocks)) + len(blocks)
        commit = self._join(size, carries, len(blocks) if count is None else count)
        commit.blocks.extend(blocks)
        waiter = self._loop.create_future()
        commit.waiters.append(waiter)
        return waiter

    def append_then(
        self,
        block: bytes,
        carries: int,
        count: int,
        done: Callable[[JournalUnavailable | None], None],
        _partitions: Sequence[int] = (),
    ) -> None:
        """
        Append, and call `done` on the event loop once the events are on stable storage, or with the error.

        A callback costs less than a future that wakes a task. It must not raise. Raises Overloaded.
        """
        commit = self._join(len(block) + 1, carries, count)
        commit.blocks.append(block)
        commit.callbacks.append(done)

    def _join(self, size: int, carries: int, count: int) -> Commit:
        """Return the commit that is gathering, with room for so many bytes more. Raises Overloaded."""
        if self._waiting + size > _MAX_WAITING_BYTES:
            raise Overloaded
        if not self._commits or self._commits[-1].size >= _MAX_CHUNK_BYTES:
            self._commits.append(Commit())
            if not self._busy:
                self._busy = True
                self._loop.call_soon(self._gather)
        commit = self._commits[-1]
        commit.count += count
        commit.carries |= carries
        commit.size += size
        self._waiting += size
        if self._wait and commit.count >= _FEW_EVENTS:
            self._wait.cancel()
            self._loop.call_soon(self._end_wait, 0)
            self._wait = None
        return commit

    async def probe(self) -> None:
        """
        Return if a commit succeeded within the last second, or an empty one succeeds within 5 s.

        Raises JournalUnavailable or Overloaded.
        """
        if time.monotonic() - self._last_success < _PROBE_VALID_SECONDS:
            return
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
                await self.append(())
        except TimeoutError as error:
            raise JournalUnavailable(f"no commit within {_PROBE_TIMEOUT_SECONDS:.0f} s") from error

    async def close(self) -> None:
        """Complete all pending appends, finish the file and end the thread. Later appends never complete."""
        while self._commits:  # the thread ignores what is queued after None
            last = self._loop.create_future()
            self._commits[-1].waiters.append(last)
            await asyncio.wait((last,))
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)

    def _gather(self, seen_bytes: int = 0, quiet: int = 0) -> None:
        """Start the next commit after some turns of the event loop without new lines, or when it is old."""
        commit = self._commits[0]
        if commit.size > seen_bytes:
            quiet = 0
        young = time.perf_counter() - commit.started_at < _MAX_GATHERING_SECONDS
        if young and quiet < _QUIET_TURNS:
            self._loop.call_soon(self._gather, commit.size, quiet + 1)
        elif 0 < commit.count < _FEW_EVENTS and self._pace.is_fast and self._patience.has_some():
            self._wait = self._loop.call_later(_WAIT_SECONDS, self._end_wait, commit.count)
        else:
            self._begin()

    def _end_wait(self, seen_events: int) -> None:
        self._wait = None
        self._patience.add(is_rewarded=self._commits[0].count > seen_events)
        self._begin()

    def _begin(self) -> None:
        """Begin the commit that was gathering."""
        commit = self._commits.popleft()
        if not self._commit_on_loop(commit):
            self._work.put(commit)

    def _commit_on_loop(self, commit: Commit) -> bool:
        """Make a commit at once and return True, unless it may take long or the thread uses the partition."""
        if not commit.count or commit.size > _MAX_BYTES_ON_LOOP or not self._pace.is_fast:
            return False
        if not self._in_use.acquire(blocking=False):
            return False
        try:
            if not self._partition.is_quick(commit.size):
                return False
            error = self._write(commit)
        except BaseException:
            log.exception("commit failed on the event loop, process exits")  # as in _run
            os._exit(70)
        finally:
            self._in_use.release()
        self._complete(commit, error)
        return True

    def _complete(self, commit: Commit, error: JournalUnavailable | None) -> None:
        self._waiting -= commit.size
        self._last_success = float("-inf") if error else time.monotonic()
        if not error:
            metrics.ACCEPTED.add(commit.count)  # before the answers: a kill leaves none uncounted
        for waiter in commit.waiters:
            if waiter.done():  # cancelled by its caller
                continue
            if error:
                waiter.set_exception(JournalUnavailable(error.details))
            else:
                waiter.set_result(None)
        for done in commit.callbacks:
            done(JournalUnavailable(error.details) if error else None)
        if self._commits:
            self._loop.call_soon(self._gather)
        else:
            self._busy = False

    def _run(self) -> None:
        try:
            self._commit_all(self._partition)
        except BaseException:
            # Appends would wait forever for a thread that has ended; the supervisor restarts the process.
            log.exception("journal thread failed, process exits")
            os._exit(70)

    def _commit_all(self, partition: Partition) -> None:
        with self._in_use:
            partition.recover()
        while True:
            try:
                commit = self._work.get(timeout=_CHECK_INTERVAL_SECONDS)
            except Empty:
                with self._in_use:
                    partition.check()
                    partition.roll_if_due()
                continue
            with self._in_use:
                if commit is None:
                    return partition.close()
                error = self._write(commit)
                self._loop.call_soon_threadsafe(self._complete, commit, error)
                partition.roll_if_due()

    def _write(self, commit: Commit) -> JournalUnavailable | None:
        started = time.perf_counter()
        try:
            if commit.count:
                self._partition.write(commit.blocks, commit.carries, commit.count)
            else:
                self._partition.probe()
        except JournalUnavailable as error:
            metrics.COMMIT_FAILURES.inc()
            self._log_change(error.details)
            return error
        finally:
            self._pace.add(time.perf_counter() - started)
        self._log_change("")
        metrics.COMMIT_SECONDS.add(time.perf_counter() - commit.started_at)
        metrics.COMMIT_EVENTS.add(commit.count)
        return None

    def _log_change(self, error: str) -> None:
        """Log when commits start to fail, fail for another reason, and succeed again. `error` "": success."""
        if error and error != self._last_error:
            log.error("journal unavailable", reason=error)
        elif self._last_error and not error:
            log.info("journal available again", failed_commits=self._failures)
        self._failures = self._failures + 1 if error else 0
        self._last_error = error
