"""
The only writer of one shard: everything that waits goes into one commit, and is durable when it returns.

The event loop hands lines over and waits; a thread of its own has the database. While one commit is
synced the next one gathers, so that no timer is needed, and a busy gateway syncs less often an event.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue

import structlog

from gateway import metrics
from gateway.errors import JournalUnavailable, Overloaded
from gateway.journal.shard import Shard

log = structlog.get_logger()

_LARGEST_CHUNK = 4 * 1024 * 1024  # bytes a commit; what waits beyond it goes into the next
_MOST_WAITING = 64 * 1024 * 1024  # bytes; beyond it new submissions are turned away
_QUIET_TURNS = 3
_LONGEST_GATHERING = 0.002  # seconds that requests already here may take to join a commit
_IDLE = 1.0  # seconds without work after which the log is emptied
_PROBE_LASTS = 1.0  # seconds for which a success answers the question whether there would be one
_PROBE_TIMEOUT = 5.0  # seconds


class Commit:
    """What one commit will hold, and who waits for it."""

    def __init__(self) -> None:
        self.since = time.perf_counter()
        self.lines: list[bytes] = []
        self.size = 0
        self.waiters: list[asyncio.Future[None]] = []


class Writer:
    """Appends to a shard; made, used and closed on one event loop."""

    def __init__(self, shard: Shard) -> None:
        self._loop = asyncio.get_running_loop()
        self._gathering: deque[Commit] = deque()
        self._waiting = 0
        self._busy = False
        self._last_success = float("-inf")
        self._work: SimpleQueue[Commit | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(shard,), name="journal", daemon=True)
        self._thread.start()

    def append(self, lines: Sequence[bytes]) -> asyncio.Future[None]:
        """
        Done once the lines are on stable storage.

        JournalUnavailable means that they cannot be acknowledged, not that they are not there: a commit
        whose sync failed may still be found later. Overloaded means that nothing was tried.
        """
        size = sum(map(len, lines)) + len(lines)
        if self._waiting + size > _MOST_WAITING:
            raise Overloaded
        if not self._gathering or self._gathering[-1].size >= _LARGEST_CHUNK:
            self._gathering.append(Commit())
            if not self._busy:
                self._busy = True
                self._loop.call_soon(self._gather)
        commit = self._gathering[-1]
        commit.lines.extend(lines)
        commit.size += size
        self._waiting += size
        waiter = self._loop.create_future()
        commit.waiters.append(waiter)
        return waiter

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
        if not trouble:
            metrics.RECEIVED.add(len(commit.lines))
            metrics.ACCEPTED.add(len(commit.lines))
        if self._gathering:
            self._gather()
        else:
            self._busy = False

    def _run(self, shard: Shard) -> None:
        try:
            self._work_off(shard)
        except BaseException:
            # Nobody shall wait for a thread that is gone; whoever watches this process starts another.
            log.exception("the journal's thread died")
            os._exit(70)

    def _work_off(self, shard: Shard) -> None:
        shard.recover()
        while True:
            try:
                commit = self._work.get(timeout=_IDLE if shard.unchecked else None)
            except Empty:
                shard.checkpoint()
                continue
            if commit is None:
                return shard.finish()
            trouble = self._write(shard, commit)
            self._loop.call_soon_threadsafe(self._settle, commit, trouble)
            shard.tidy()

    def _write(self, shard: Shard, commit: Commit) -> JournalUnavailable | None:
        try:
            shard.write(commit.lines)
        except JournalUnavailable as trouble:
            metrics.COMMIT_FAILURES.inc()
            return trouble
        metrics.COMMIT_SECONDS.add(time.perf_counter() - commit.since)
        metrics.COMMIT_EVENTS.add(len(commit.lines))
        return None
