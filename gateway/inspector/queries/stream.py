"""The live tail: events as they are accepted, from any position on."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence

import anyio
import msgspec
from anyio import to_thread

from gateway.inspector.queries.events import EventRow, hidden_keys, row, wanted
from gateway.inspector.queries.filters import Filter, read_positions, write_positions
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search.wanted import Hit, Matcher
from gateway.journal.base import Position, Reader, UnknownPosition
from gateway.journal.chunk import Chunk

MAX_BEHIND = 100_000
"""How many events of a partition a reader may be behind; older ones are skipped."""

_POLL_SECONDS = 0.1
_PULSE_SECONDS = 1.0
_BURST_BYTES = 4 * 1024**2  # of each partition


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """What is new since the last burst."""

    positions: str
    """How far the journal was read, such as `0/12,1/7`: the id of the server-sent event, to resume from."""
    rows: list[EventRow]
    """The matching events, in the order of each partition; empty if none matched or none came."""
    more: int = 0
    """Matching events that are not among the rows, because fewer rows were requested."""
    dropped: int = 0
    """Events that were skipped, because they come faster than the reader reads."""


async def tail(
    inspection: Inspection, filter: Filter, positions: str = "", most_rows: int = MAX_BEHIND
) -> AsyncGenerator[Burst, None]:
    """
    Yield bursts of new events from `positions` on, or from now on, forever.

    Once up to date, it yields at most 10 bursts a second, and one without rows each second if nothing comes,
    so that the caller notices that its client has gone. A burst has the newest `most_rows` events of each
    partition, and counts the others. `limit` and `cursor` are ignored. Refused events are not in the journal:
    with the verdict "refused" no burst has rows. Raises InvalidQuery before the first burst; what cannot be
    read now is read later.
    """
    hidden = hidden_keys(inspection)
    matcher = None if filter.verdict == "refused" else Matcher(wanted(filter, hidden), hidden)
    starts = read_positions("Last-Event-ID", positions) if positions else {}
    follower = Follower(inspection, matcher, starts, most_rows=most_rows)
    yielded_at = float("-inf")
    try:
        while True:
            burst = await to_thread.run_sync(follower.read)
            now = time.monotonic()
            if burst.rows or burst.more or burst.dropped or now - yielded_at >= _PULSE_SECONDS:
                yielded_at = now
                yield burst
            if not follower.has_more:
                await anyio.sleep(_POLL_SECONDS)
    finally:
        follower.close()


class Follower:
    """
    Reads all partitions from the positions in `starts` on; if that is empty, from the first `read` on.

    Without a matcher no event is shown. One thread at a time.
    """

    def __init__(
        self,
        inspection: Inspection,
        matcher: Matcher | None,
        starts: Mapping[str, int],
        most_behind: int = MAX_BEHIND,
        most_rows: int = MAX_BEHIND,
    ) -> None:
        self.has_more = False
        """True if the last burst was cut off by its size."""
        self._inspection = inspection
        self._matcher = matcher
        self._most_behind = most_behind
        self._most_rows = most_rows
        self._started = bool(starts)
        self._numbers = dict(starts)
        self._readers: dict[str, Reader] = {}

    def read(self) -> Burst:
        """Return what is new. Disk errors are ignored; a later call reads what this one could not."""
        self.has_more = False
        rows: list[EventRow] = []
        matching = dropped = 0
        hidden = hidden_keys(self._inspection)
        for partition in self._inspection.journal.partitions():
            try:
                chunks, passed = self._read(partition)
            except OSError:  # a writer may be working on the file
                continue
            hits, count = self._newest(chunks)
            rows.extend(row(partition, hit, hidden) for hit in hits)
            matching += count
            dropped += passed
        self._started = True
        return Burst(
            positions=write_positions(self._numbers), rows=rows, more=matching - len(rows), dropped=dropped
        )

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()

    def _newest(self, chunks: Sequence[Chunk]) -> tuple[list[Hit], int]:
        """Return the newest matching events, and the number of all that match."""
        newest: list[Hit] = []
        matching = 0
        if self._matcher:
            for chunk in reversed(chunks):
                hits, count = self._matcher.newest(chunk, self._most_rows - len(newest))
                newest += reversed(hits)
                matching += count
        return newest[::-1], matching

    def _read(self, partition: str) -> tuple[list[Chunk], int]:
        """Return the new events of a partition, and the number of events skipped."""
        if partition not in self._readers:
            self._readers[partition] = self._inspection.journal.reader(partition)
        reader = self._readers[partition]
        newest = reader.newest()
        # A partition that appears later is new from its first event on.
        number = self._numbers.setdefault(partition, reader.oldest() if self._started else newest)
        dropped = max(0, newest - number - self._most_behind)
        number += dropped
        chunks: list[Chunk] = []
        size = 0
        while size < _BURST_BYTES:
            try:
                found = reader.read(Position(number))
            except UnknownPosition as error:  # the journal was replaced
                number = error.oldest
                break
            if found is None:
                break
            dropped += found.released
            number = found.end.number
            chunks += found.chunks
            size += sum(len(chunk.data) for chunk in found.chunks)
        self._numbers[partition] = number
        self.has_more = self.has_more or number < newest
        return chunks, dropped
