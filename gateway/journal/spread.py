"""
An appender for all partitions of an engine: each event goes to the partition of its person.

Any gateway may append to any partition. A submission is acknowledged once all its events are stored; if one
partition fails, the whole submission is refused, and events that the client resends are recognized by their
messageId.
"""

import asyncio
from collections.abc import Callable, Sequence

from gateway import metrics
from gateway.errors import JournalUnavailable
from gateway.journal import chunk
from gateway.journal.base import Promise
from gateway.journal.publisher import MAX_LINE_BYTES, Publisher, Waiting

_Done = Callable[[JournalUnavailable | None], None]


class Spread:
    """Implements journal.base.Appender with a publisher for each partition."""

    max_line = MAX_LINE_BYTES

    def __init__(self, publishers: Sequence[Publisher], waiting: Waiting, promise: Promise) -> None:
        self.partitions = len(publishers)
        self.promise = promise
        self._publishers = publishers
        self._waiting = waiting
        self._probe: asyncio.Future[list[None]] | None = None

    async def append(
        self,
        blocks: Sequence[bytes],
        carries: int = chunk.ANYTHING,
        count: int | None = None,
        partitions: Sequence[int] = (),
    ) -> None:
        if not blocks:
            return await self.probe()
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: JournalUnavailable | None) -> None:
            if stored.done():  # cancelled by its caller
                return
            if error:
                stored.set_exception(error)
            else:
                stored.set_result(None)

        self.append_then(
            b"\n".join(blocks), carries, len(blocks) if count is None else count, done, partitions
        )
        await stored

    def append_then(
        self, block: bytes, carries: int, count: int, done: _Done, partitions: Sequence[int] = ()
    ) -> None:
        self._waiting.check(len(block))
        chosen = set(partitions) or {0}
        submission = _Submission(count, len(chosen), done)
        if len(chosen) == 1:
            return self._publishers[chosen.pop()].append_then(block, carries, count, submission.store)
        groups: dict[int, list[bytes]] = {}
        for line, partition in zip(block.split(b"\n"), partitions, strict=True):
            groups.setdefault(partition, []).append(line)
        for partition, lines in groups.items():
            self._publishers[partition].append_then(b"\n".join(lines), carries, len(lines), submission.store)

    async def probe(self) -> None:
        """See journal.base.Appender. Concurrent callers share one probe of each partition."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.gather(*(publisher.probe() for publisher in self._publishers))
        await asyncio.shield(self._probe)

    async def close(self) -> None:
        await asyncio.gather(*(publisher.close() for publisher in self._publishers))


class _Submission:
    """Events that are appended to several partitions, and acknowledged or refused as a whole."""

    def __init__(self, count: int, parts: int, done: _Done) -> None:
        self._count = count
        self._left = parts
        self._error: JournalUnavailable | None = None
        self._done = done

    def store(self, error: JournalUnavailable | None) -> None:
        """Note what became of a part."""
        self._error = self._error or error
        self._left -= 1
        if self._left:
            return
        if not self._error:
            metrics.ACCEPTED.add(self._count)  # before the answer, so that a kill leaves none uncounted
        self._done(self._error)
