"""
Group commit on a partition of the topic: everything that waits is published together, one commit at a time.

While the brokers acknowledge one commit, the next one gathers. Who waits longer than MAX_WAIT_SECONDS is told
that the journal is unavailable.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from gateway import metrics
from gateway.errors import JournalUnavailable
from gateway.journal import chunk
from gateway.journal.kafka.client import MAX_BATCH_BYTES
from gateway.journal.kafka.publisher import Publisher
from gateway.journal.kafka.reader import MARK
from gateway.journal.kafka.watch import Watch

log = structlog.get_logger()

MAX_WAIT_SECONDS = 2.0
_RECORD_BYTES = 20
"""The most that Kafka adds to an event."""
_QUIET_TURNS = 3  # of the event loop without new events, after which a commit is published
_MAX_GATHERING_SECONDS = 0.002
_CHECK_SECONDS = 0.1
_LOST_SECONDS = 8.0  # after which a commit whose end was never reported is given up
_PROBE_VALID_SECONDS = 1.0
_NO_ANSWER = "Kafka does not answer"

Done = Callable[[JournalUnavailable | None], None]


class _Commit:
    """Events that are published together, and who waits for them."""

    __slots__ = ("blocks", "callbacks", "carries", "count", "size", "started_at")

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.blocks: list[bytes] = []
        self.callbacks: list[Done] = []
        self.count = self.carries = self.size = 0

    def records(self) -> list[dict[str, bytes]]:
        key = bytes([self.carries])
        records = [{"key": key, "value": line} for block in self.blocks for line in block.split(b"\n")]
        records[0]["key"] = bytes([self.carries | MARK])
        return records


class TopicAppender:
    """
    Implements journal.base.Appender for a partition of the topic. Must be created and used on one event loop.

    Several processes may append to the same partition. Their commits do not mix, unless the producer splits
    one into several batches.
    """

    def __init__(self, publisher: Publisher, watch: Watch, partition: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._publisher = publisher
        self._watch = watch
        self._partition = partition
        self._commits: deque[_Commit] = deque()
        self._published: _Commit | None = None
        self._gathering = False
        self._last_success = float("-inf")
        self._last_error = ""
        self._checking: asyncio.TimerHandle | None = None

    def append(
        self, blocks: Sequence[bytes], carries: int = chunk.ANYTHING, count: int | None = None
    ) -> asyncio.Future[None]:
        """
        Return a future that is done once the events are acknowledged; see journal/base.py.

        Raises Overloaded or JournalUnavailable, at once, if nothing is published.
        """
        waiter, done = self._waiter()
        if blocks:
            self.append_then(b"\n".join(blocks), carries, len(blocks) if count is None else count, done)
        else:
            done(None)
        return waiter

    def append_then(self, block: bytes, carries: int, count: int, done: Done) -> None:
        """
        Append, and call `done` on the event loop once the events are acknowledged, or with the error.

        Raises Overloaded or JournalUnavailable if nothing is published.
        """
        size = len(block) + _RECORD_BYTES * count
        self._watch.reserve(size)
        commits = self._commits
        if not commits or commits[-1].size + size > MAX_BATCH_BYTES:
            commits.append(_Commit())
        commit = commits[-1]
        commit.blocks.append(block)
        commit.callbacks.append(done)
        commit.count += count
        commit.carries |= carries
        commit.size += size
        if self._published is None:
            self._start_gathering()
        if self._checking is None:
            self._checking = self._loop.call_later(_CHECK_SECONDS, self._check)

    async def probe(self) -> None:
        """
        Return if a commit succeeded within the last second, or the brokers would take one.

        Raises JournalUnavailable.
        """
        if time.monotonic() - self._last_success > _PROBE_VALID_SECONDS:
            await asyncio.to_thread(self._watch.probe)

    async def close(self) -> None:
        """Complete all pending appends, within MAX_WAIT_SECONDS or a little more."""
        while last := self._commits[-1] if self._commits else self._published:
            waiter, done = self._waiter()
            last.callbacks.append(done)
            await asyncio.wait((waiter,))
        if self._checking:
            self._checking.cancel()

    def _waiter(self) -> tuple[asyncio.Future[None], Done]:
        """Return a future, and the function that completes it."""
        waiter = self._loop.create_future()

        def done(error: JournalUnavailable | None) -> None:
            if waiter.done():  # cancelled by its caller
                return
            if error:
                waiter.set_exception(error)
            else:
                waiter.set_result(None)

        return waiter, done

    def _start_gathering(self) -> None:
        if self._commits and not self._gathering:
            self._gathering = True
            self._loop.call_soon(self._gather)

    def _gather(self, seen_bytes: int = 0, quiet: int = 0) -> None:
        """Publish the next commit after some turns of the event loop without new events, or if it is old."""
        self._gathering = bool(self._commits)
        if not self._commits:  # it was given up
            return
        commit = self._commits[0]
        if commit.size > seen_bytes:
            quiet = 0
        young = time.monotonic() - commit.started_at < _MAX_GATHERING_SECONDS
        if young and quiet < _QUIET_TURNS and len(self._commits) == 1:
            self._loop.call_soon(self._gather, commit.size, quiet + 1)
            return
        self._gathering = False
        self._published = self._commits.popleft()
        report = partial(self._ended, commit)
        self._publisher.publish(self._partition, commit.records(), report)

    def _ended(self, commit: _Commit, error: str) -> None:
        """Let the event loop know what became of a commit. Runs on the thread of the publisher."""
        self._loop.call_soon_threadsafe(self._end, commit, error)

    def _end(self, commit: _Commit, error: str) -> None:
        """Take note of what became of the commit that was published, and publish the next one."""
        if self._published is commit:  # else it was given up
            self._published = None
            self._complete(commit, error)
            self._start_gathering()

    def _complete(self, commit: _Commit, error: str) -> None:
        self._watch.give_back(commit.size)
        if error:
            return self._fail(commit, error)
        self._last_success = time.monotonic()
        self._log_change("")
        if commit.callbacks:  # else it took too long
            metrics.ACCEPTED.add(commit.count)  # before the answers: a kill leaves none uncounted
            metrics.COMMIT_SECONDS.add(self._last_success - commit.started_at)
            metrics.COMMIT_EVENTS.add(commit.count)
        for done in commit.callbacks:
            done(None)
        return None

    def _fail(self, commit: _Commit, error: str) -> None:
        """Tell those who still wait for a commit."""
        callbacks, commit.callbacks = commit.callbacks, []
        if callbacks:
            metrics.COMMIT_FAILURES.inc()
            self._log_change(error)
        for done in callbacks:
            done(JournalUnavailable(error))

    def _check(self) -> None:
        """Tell whoever has waited too long. What is not published by then never is."""
        late = time.monotonic() - MAX_WAIT_SECONDS + _CHECK_SECONDS
        published = self._published
        if published and published.started_at < late:
            self._fail(published, _NO_ANSWER)
            if published.started_at < late - _LOST_SECONDS:
                self._publisher.replace("no report")
                self._end(published, _NO_ANSWER)
        while self._commits and self._commits[0].started_at < late:
            self._complete(self._commits.popleft(), _NO_ANSWER)
        waiting = self._commits or self._published
        self._checking = self._loop.call_later(_CHECK_SECONDS, self._check) if waiting else None

    def _log_change(self, error: str) -> None:
        """Log when commits begin to fail, fail for another reason, and succeed again. `error` "": success."""
        if error and error != self._last_error:
            log.error("journal unavailable", partition=self._partition, reason=error)
        elif self._last_error and not error:
            log.info("journal available again", partition=self._partition)
        self._last_error = error
