"""
The indexer: it runs ahead of all sinks, and makes one verdict on each event.

The index may be lost, or lag behind the recorded verdicts; it is then restored from the journal before new
events are indexed. It may be one step ahead of the verdicts; the events of that step are then indexed again,
with the same result.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import structlog

from gateway.delivery.duplicates.database import IndexInUse, IndexUnavailable
from gateway.delivery.duplicates.index import Index
from gateway.delivery.duplicates.order import by_generation
from gateway.delivery.held import Held, everything
from gateway.journal.base import Log, Position, Reader, Slice, UnknownPosition
from gateway.state.verdicts import Indexed, Verdicts

log = structlog.get_logger()

_STEP_BYTES = 2 * 1024 * 1024
_LOGGED_EVENTS = 1_000_000
"""Number of restored events after which the progress is logged."""


class Indexer:
    """
    Indexes the held partitions of a journal. Not thread-safe; blocks, so call it in a thread.

    `folder` is the index's own. `window` is in seconds: an event is a duplicate if another event with the
    same source and messageId was indexed before it, is not a duplicate itself, and was received less than the
    window away from it. An event is received at the time of its chunk. If `held` is given, other processes
    index the other partitions, and only events of the same partition can be duplicates of each other.
    """

    def __init__(
        self, journal: Log, verdicts: Verdicts, folder: Path, window: float, held: Held | None = None
    ) -> None:
        self._journal = journal
        self._verdicts = verdicts
        self._held = held or everything(journal)
        self._by_partition = held is not None
        self._adopted: Mapping[str, int] = {}
        """The indexed partitions, each with the term under which it is held."""
        self._folder = folder
        self._window = window
        self._index: Index | None = None
        self._readers: dict[str, Reader] = {}
        self._positions: dict[str, Position] = {}
        """The first event without a recorded verdict, by partition."""
        self._missing: dict[str, int] = {}
        """The first event that has a verdict but is missing in the index, by partition."""
        self._restored = 0

    def step(self) -> bool:
        """
        Index about 2 MB of new events; return False if there are none.

        Their verdicts are durable when it returns. While the index lacks events that have verdicts, a step
        restores about 2 MB of those instead. Raises OSError, StateUnavailable and StateLost; except after
        StateLost it may be called again.
        """
        try:
            index = self._adopt(self._held())
            restored = self._restore(index)
            if restored and (not self._by_partition or self._index is None):
                return True  # what is missing may be the originals of duplicates, or the index was deleted
            return self._advance(index) or restored
        except IndexUnavailable:
            self.close()
            raise

    def close(self) -> None:
        """Close the index and all readers. May be called twice; `step` opens them again."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._adopted, self._missing, self._restored = {}, {}, 0
        index, self._index = self._index, None
        if index:
            index.close()

    def _adopt(self, held: Mapping[str, int]) -> Index:
        """Return the index, once it is known what it lacks of the held partitions."""
        if self._index and held == self._adopted:
            return self._index
        for partition in self._readers.keys() - held.keys():
            self._readers.pop(partition).close()
            self._missing.pop(partition, None)
        new = [partition for partition, term in held.items() if self._adopted.get(partition) != term]
        recorded = self._verdicts.positions()
        self._positions = {each: recorded[each] for each in held if each in recorded}
        for partition in new:
            position = self._positions.get(partition)
            if position and not self._reader(partition).accepts(position):
                self._forget(partition, position)
        before = self._index
        index = self._index = self._open_index(new if before else list(held))
        if index is not before:
            new, self._missing = list(held), {}
        self._adopted = dict(held)
        self._find_missing(index, new)
        return index

    def _find_missing(self, index: Index, partitions: Collection[str]) -> None:
        """Find what the index lacks of partitions."""
        newest = max((self._last_time(each, end) for each, end in self._positions.items()), default=0)
        since = index.since(newest)
        events = 0
        for partition in partitions:
            position, progress = self._positions.get(partition), index.progress(partition)
            if position and (progress is None or progress.end < position.number):
                oldest = self._reader(partition).seek(since / 1000)
                start = max(progress.end, oldest) if progress else oldest
                self._missing[partition] = min(start, position.number)
                events += position.number - self._missing[partition]
        if events:
            log.warning("index of duplicates incomplete, restoring it from the journal", events=events)

    def _open_index(self, partitions: Collection[str]) -> Index:
        """Return the index; delete and recreate it if it does not match the recorded verdicts."""
        journal = self._verdicts.journal()
        try:
            index = self._index or Index(self._folder, journal, self._window, by_partition=self._by_partition)
        except IndexInUse:
            raise
        except IndexUnavailable as error:
            log.error("index of duplicates unusable, deleted", error=str(error))
        else:
            ahead = [partition for partition in partitions if self._is_ahead(index, partition)]
            if not ahead:
                return index
            index.close()
            log.warning("index of duplicates ahead of the state, deleted", partitions=ahead)
        Index.delete(self._folder)
        return Index(self._folder, journal, self._window, by_partition=self._by_partition)

    def _is_ahead(self, index: Index, partition: str) -> bool:
        """Return True if the index has more events than one step can explain: the state is an older copy."""
        progress = index.progress(partition)
        if progress is None:
            return False
        number = self._position(partition).number
        return progress.end > number and progress.recorded != number

    def _restore(self, index: Index) -> bool:
        """Restore a slice of the events that have verdicts; return False if none is missing."""
        if not self._missing:
            return False
        partition, number = next(iter(self._missing.items()))
        end = self._positions[partition]
        try:
            # There is nothing to read if the journal has lost its end meanwhile, which is noticed later.
            found = self._reader(partition).read(Position(number), _STEP_BYTES) or Slice(end, [])
        except UnknownPosition as error:
            self._forget(partition, error.position)
            return True
        reached = min(found.end.number, end.number)
        duplicates = set(self._verdicts.duplicates(partition, number, reached))
        index.restore(partition, found, end.number, duplicates)
        self._missing[partition] = reached
        if reached == end.number:
            del self._missing[partition]
        self._log_progress(reached - number)
        return True

    def _log_progress(self, events: int) -> None:
        before, self._restored = self._restored, self._restored + events
        if not self._missing:
            log.info("index of duplicates restored", events=self._restored)
        elif self._restored // _LOGGED_EVENTS > before // _LOGGED_EVENTS:
            log.info("restoring the index of duplicates", events=self._restored)

    def _advance(self, index: Index) -> bool:
        """Index new events of all partitions; return False if there are none."""
        limit = _STEP_BYTES // max(1, len(self._adopted))
        slices: dict[str, Slice] = {}
        for partition in [each for each in self._adopted if each not in self._missing]:
            position = self._position(partition)
            try:
                found = self._reader(partition).read(position, limit)
            except UnknownPosition:
                self._forget(partition, position)
                return True
            if found:
                slices[partition] = found
        ranges = []
        for partition, part in by_generation(slices, index.generation, limit):
            duplicates = index.judge(partition, part, self._position(partition).number)
            ranges.append(Indexed(partition, part.end, duplicates))
        if ranges:
            self._verdicts.record(ranges)
            self._positions.update({each.partition: each.end for each in ranges})
        return bool(ranges)

    def _forget(self, partition: str, position: Position) -> None:
        """
        Forget the verdicts of a partition whose events have been renumbered, and delete the index.

        The partition is indexed again from its oldest event, and the others are restored.
        """
        log.warning(
            "position does not belong to this journal, indexing again from the oldest event",
            partition=partition,
            position=position.number,
        )
        self.close()
        Index.delete(self._folder)
        self._verdicts.forget(partition)
        self._positions.pop(partition, None)

    def _position(self, partition: str) -> Position:
        """Return the position of the first event without a verdict: in a new partition, its oldest event."""
        return self._positions.get(partition) or Position(self._reader(partition).oldest())

    def _reader(self, partition: str) -> Reader:
        reader = self._readers.get(partition)
        if reader is None:
            reader = self._readers[partition] = self._journal.reader(partition)
        return reader

    def _last_time(self, partition: str, end: Position) -> int:
        """Return the time of the event before a position, in milliseconds; 0 if it cannot be read."""
        if not end.number:
            return 0
        found = self._reader(partition).read(Position(end.number - 1), 1)
        return found.chunks[0].received_at if found and found.chunks else 0
