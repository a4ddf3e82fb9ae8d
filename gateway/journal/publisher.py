"""
Group commit on an engine: everything that is waiting for a partition is published as one chunk.

While one chunk is in flight, the next one collects lines; there is never more than one in flight, so that
events stay in order when a publish is repeated. Every caller gets an answer within 2 s: either the events are
stored or the client is asked to send them again.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from gateway import metrics
from gateway.errors import JournalUnavailable, Overloaded
from gateway.journal.writer import Commit

log = structlog.get_logger()

MAX_CHUNK_BYTES = 900 * 1024
"""The largest message sent to an engine, whose usual limit is 1 MB."""
MAX_LINE_BYTES = MAX_CHUNK_BYTES - 1024

_MAX_WAITING_SECONDS = 1.9  # an answer leaves within 2 s
_MAX_WAITING_BYTES = 64 * 1024 * 1024  # per process; beyond it, new appends raise Overloaded
_QUIET_TURNS = 3  # turns of the event loop without new lines, after which a chunk is published
_MAX_GATHERING_SECONDS = 0.002
_PROBE_VALID_SECONDS = 1.0


class Partition(Protocol):
    """One partition of an engine, as a publisher appends to it. One call at a time."""

    async def append(self, block: bytes, carries: int, count: int, until: float, /) -> None:
        """
        Make lines durable as one chunk. The block ends with a line end.

        Raises JournalUnavailable by `until`, a time of `time.monotonic`; they may be stored nevertheless,
        but never twice.
        """

    async def probe(self, until: float, /) -> None:
        """Return if `append` would succeed now. Raises JournalUnavailable."""


class Waiting:
    """The bytes waiting in all publishers of a process."""

    def __init__(self, most: int = _MAX_WAITING_BYTES) -> None:
        self._most = most
        self._bytes = 0

    def check(self, size: int) -> None:
        """Raise Overloaded if `size` more bytes are too many."""
        if self._bytes + size > self._most:
            raise Overloaded

    def add(self, size: int) -> None:
        self._bytes += size

    def remove(self, size: int) -> None:
        self._bytes -= size


class Publisher:
    """Collects what is appended to one partition. Bound to one event loop."""

    def __init__(self, partition: Partition, waiting: Waiting) -> None:
        self._loop = asyncio.get_running_loop()
        self._partition = partition
        self._waiting = waiting
        self._commits: deque[Commit] = deque()
        self._deadlines: deque[float] = deque()
        self._wake = asyncio.Event()
        self._last_success = float("-inf")
        self._last_error = ""
        self._failures = 0
        self._closing = False
        self._task = self._loop.create_task(self._run())

    def append_then(
        self, block: bytes, carries: int, count: int, done: Callable[[JournalUnavailable | None], None]
    ) -> None:
        """Append lines without the end of the last; call `done` once they are stored or have failed."""
        size = len(block) + 1
        self._waiting.add(size)
        commit = self._commits[-1] if self._commits else None
        if commit is None or commit.size + size > MAX_CHUNK_BYTES:
            commit = Commit()
            self._commits.append(commit)
            self._deadlines.append(time.monotonic() + _MAX_WAITING_SECONDS)
            self._wake.set()
        commit.blocks.append(block)
        commit.count += count
        commit.carries |= carries
        commit.size += size
        commit.callbacks.append(done)

    async def probe(self) -> None:
        """Return if a chunk was stored within the last second or could be now. Raises JournalUnavailable."""
        if time.monotonic() - self._last_success >= _PROBE_VALID_SECONDS:
            await self._partition.probe(time.monotonic() + _MAX_WAITING_SECONDS)
            self._last_success = time.monotonic()

    async def close(self) -> None:
        """Complete what is waiting. No append may follow."""
        self._closing = True
        self._wake.set()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        try:
            while True:
                while not self._commits:
                    if self._closing:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                await self._gather(self._commits[0])
                commit, until = self._commits.popleft(), self._deadlines.popleft()
                self._complete(commit, await self._publish(commit, until))
        except asyncio.CancelledError:
            raise
        except BaseException:
            # Appends would wait forever; the supervisor restarts the process.
            log.exception("publishing to the journal failed, process exits")
            os._exit(70)

    async def _gather(self, commit: Commit) -> None:
        """Let lines join for some turns of the event loop, which read the requests that have arrived."""
        size, quiet = 0, 0
        while quiet < _QUIET_TURNS and time.perf_counter() - commit.started_at < _MAX_GATHERING_SECONDS:
            quiet = quiet + 1 if commit.size == size else 0
            size = commit.size
            await asyncio.sleep(0)

    async def _publish(self, commit: Commit, until: float) -> JournalUnavailable | None:
        try:
            if commit.size <= MAX_CHUNK_BYTES:
                block = b"\n".join((*commit.blocks, b""))
                await self._partition.append(block, commit.carries, commit.count, until)
            else:
                for block, count in pieces(commit.blocks):
                    await self._partition.append(block, commit.carries, count, until)
        except JournalUnavailable as error:
            metrics.COMMIT_FAILURES.inc()
            self._log_change(error.details or "no answer")
            return error
        self._log_change("")
        metrics.COMMIT_SECONDS.add(time.perf_counter() - commit.started_at)
        metrics.COMMIT_EVENTS.add(commit.count)
        return None

    def _complete(self, commit: Commit, error: JournalUnavailable | None) -> None:
        self._waiting.remove(commit.size)
        self._last_success = float("-inf") if error else time.monotonic()
        for done in commit.callbacks:
            done(JournalUnavailable(error.details) if error else None)

    def _log_change(self, error: str) -> None:
        """Log when publishing starts to fail, fails for another reason, and succeeds again."""
        if error and error != self._last_error:
            log.error("journal unavailable", reason=error)
        elif self._last_error and not error:
            log.info("journal available again", failed_commits=self._failures)
        self._failures = self._failures + 1 if error else 0
        self._last_error = error


def pieces(blocks: Sequence[bytes], most: int = MAX_CHUNK_BYTES) -> list[tuple[bytes, int]]:
    """Return blocks as chunks of whole lines of at most `most` bytes, each with the number of its lines."""
    found: list[tuple[bytes, int]] = []
    lines: list[bytes] = []
    size = 0
    for line in b"\n".join(blocks).split(b"\n"):
        if lines and size + len(line) + 1 > most:
            found.append((b"\n".join((*lines, b"")), len(lines)))
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    return [*found, (b"\n".join((*lines, b"")), len(lines))]
