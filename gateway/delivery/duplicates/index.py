"""
The index of duplicates: the events that are not duplicates of one another, by key.

An entry is the time, number and partition of an event. The entries are divided by time into generations, each
a table of one database behind a filter in memory. Three of them are kept; then the one that was written
longest ago is dropped as a whole. A generation is 9/16 of the window, so that two before the newest cover the
window, even for a partition that lags by an eighth of it.

The database syncs nothing but its finished files, so a power failure may cost the index its newest entries.
How far each partition is indexed is written together with the entries, so that a loss is noticed.
"""

import shutil
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from gateway import durable
from gateway.delivery.duplicates.database import Database, IndexUnavailable
from gateway.delivery.duplicates.filter import Filter
from gateway.delivery.duplicates.keys import read_keys
from gateway.journal.base import Slice
from gateway.journal.chunk import Chunk

_FALSE_POSITIVES = 0.01  # each costs a lookup in the database
_GENERATIONS = 3
_WIDTH = 9 / 16  # of the window
_MIN_WIDTH_MS = 60_000  # beginning a generation costs some syncs
_SPARE = 1.1  # the size of a filter in proportion to the keys of the generation before it

_VERSION = 1
_IDENTITY = b"identity"
_PROGRESS = b"progress/"
_TIME_BYTES = 6  # milliseconds since 1970
_NUMBER_BYTES = 6


class Progress(NamedTuple):
    """How far a partition is indexed."""

    end: int
    """Number of the first event that is not in the index."""
    recorded: int
    """Number of the first event without a recorded verdict when the index was written."""


class Index:
    """
    Not thread-safe; every method blocks. Raises IndexUnavailable, and must then be reopened.

    The entries do not depend on the order in which partitions were indexed: once the verdicts are known, the
    same index can be built from the journal in any order.
    """

    def __init__(
        self,
        folder: Path,
        journal: bytes,
        window: float,
        false_positives: float = _FALSE_POSITIVES,
        *,
        by_partition: bool = False,
    ) -> None:
        """
        Open the index in a folder, or create it. `window` is in seconds.

        With `by_partition`, events of different partitions are never duplicates. Raises IndexUnavailable also
        if the index is for another journal, window or version, IndexInUse if another process uses it, and
        OSError.
        """
        self._by_partition = by_partition
        self._window = round(window * 1000)
        self._width = max(round(self._window * _WIDTH), _MIN_WIDTH_MS)
        self._false_positives = false_positives
        self._filters: dict[str, Filter] = {}
        """By table, the least recently written one first. A table is named after its generation."""
        durable.make_folder(folder)
        self._database = Database(folder)
        try:
            identity = b"%d %d %b" % (_VERSION, self._window, journal)
            self._identify(folder, identity + b" by partition" if by_partition else identity)
            for table in sorted(self._database.tables(), key=int):
                self._load(table)
        except BaseException:
            self.close()
            raise

    def _identify(self, folder: Path, identity: bytes) -> None:
        found = self._database.get(_IDENTITY)
        if found is None:
            self._database.write({_IDENTITY: identity})
        elif found != identity:
            raise IndexUnavailable(f"{folder} is the index of another journal, window or version")

    def _load(self, table: str) -> None:
        count = self._database.count(table)
        filter = Filter(round(count * _SPARE), self._false_positives)
        filter.load(self._database.keys(table), count)
        self._filters[table] = filter

    @staticmethod
    def delete(folder: Path) -> None:
        """Delete the index in a folder, if there is one. Raises OSError."""
        if folder.exists():
            shutil.rmtree(folder)
            durable.sync_folder(folder.parent)

    def progress(self, partition: str) -> Progress | None:
        """Return how far a partition is indexed, or None if the index has none of its events."""
        found = self._database.get(_PROGRESS + partition.encode())
        return Progress(*map(int, found.split())) if found else None

    def generation(self, chunk: Chunk) -> int:
        """Return the number of the generation of a chunk's events; later generations have higher numbers."""
        return chunk.received_at // self._width

    def since(self, time: int) -> int:
        """Return the start of the oldest generation that matters at `time`, in milliseconds since 1970."""
        return (time // self._width - _GENERATIONS + 1) * self._width

    def judge(self, partition: str, found: Slice, recorded: int) -> list[int]:
        """
        Add the events of a slice that are not duplicates; return the numbers of those that are duplicates.

        An event is a duplicate if the index has an entry of another event with the same key, less than the
        window away in time. But if the index has an entry of this very event, it is not a duplicate: so the
        verdict is the same when the event is indexed again. `recorded` is the number of the first event
        without a recorded verdict.
        """
        duplicates: list[int] = []
        for table, chunks in self._by_table(found):
            keys = read_keys(partition, chunks, by_partition=self._by_partition)
            known = self._find(keys)
            new: dict[bytes, bytes] = {}
            for key, entry in zip(keys, _entries(partition, chunks), strict=True):
                if (key in known and self._is_duplicate(entry, known[key])) or (
                    key in new and self._is_duplicate(entry, [new[key]])
                ):
                    duplicates.append(_number(entry))
                else:
                    new[key] = entry
            self._write(table, new, partition, Progress(chunks[-1].end, recorded))
        if not found.chunks:
            self._record(partition, Progress(found.end.number, recorded))
        return duplicates

    def restore(self, partition: str, found: Slice, recorded: int, duplicates: Collection[int]) -> None:
        """Add the events of a slice that have verdicts, except those whose numbers are in `duplicates`."""
        for table, chunks in self._by_table(found):
            entries = _entries(partition, chunks)
            keys = read_keys(partition, chunks, by_partition=self._by_partition)
            new = {
                key: entry
                for key, entry in zip(keys, entries, strict=True)
                if _number(entry) < recorded and _number(entry) not in duplicates
            }
            self._write(table, new, partition, Progress(min(chunks[-1].end, recorded), recorded))
        if not found.chunks:
            self._record(partition, Progress(min(found.end.number, recorded), recorded))

    def close(self) -> None:
        """Close the index. May be called twice."""
        self._database.close()

    def _by_table(self, found: Slice) -> Iterator[tuple[str, list[Chunk]]]:
        """Yield the chunks of a slice by table, in order."""
        for generation, chunks in groupby(found.chunks, self.generation):
            yield str(generation), list(chunks)

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, list[bytes]]:
        """Return all entries of these keys."""
        found: dict[bytes, list[bytes]] = {}
        for table, filter in self._filters.items():
            possible = filter.possible(keys)
            if possible:
                for key, entry in zip(possible, self._database.find(table, possible), strict=True):
                    if entry:
                        found.setdefault(key, []).append(entry)
        return found

    def _is_duplicate(self, entry: bytes, known: Sequence[bytes]) -> bool:
        if any(entry[_TIME_BYTES:] == each[_TIME_BYTES:] for each in known):
            return False
        return any(abs(_time(entry) - _time(each)) < self._window for each in known)

    def _write(self, table: str, new: dict[bytes, bytes], partition: str, progress: Progress) -> None:
        if table not in self._filters:
            self._begin(table)
        filter = self._filters[table] = self._filters.pop(table)  # the most recently written table comes last
        self._database.write(_encode(partition, progress), table, new)
        filter.add(new)

    def _record(self, partition: str, progress: Progress) -> None:
        self._database.write(_encode(partition, progress))

    def _begin(self, table: str) -> None:
        last = next(reversed(self._filters.values()), None)
        while len(self._filters) >= _GENERATIONS:
            oldest = next(iter(self._filters))
            del self._filters[oldest]
            self._database.drop(oldest)
        self._database.create(table)
        self._filters[table] = Filter(round(last.count * _SPARE) if last else 0, self._false_positives)


def _encode(partition: str, progress: Progress) -> dict[bytes, bytes]:
    return {_PROGRESS + partition.encode(): b"%d %d" % progress}


def _entries(partition: str, chunks: Sequence[Chunk]) -> list[bytes]:
    """Return the entry of every event, in order."""
    name = partition.encode()
    entries: list[bytes] = []
    for chunk in chunks:
        time = chunk.received_at.to_bytes(_TIME_BYTES, "big")
        entries += [
            time + number.to_bytes(_NUMBER_BYTES, "big") + name for number in range(chunk.first, chunk.end)
        ]
    return entries


def _time(entry: bytes) -> int:
    return int.from_bytes(entry[:_TIME_BYTES], "big")


def _number(entry: bytes) -> int:
    return int.from_bytes(entry[_TIME_BYTES : _TIME_BYTES + _NUMBER_BYTES], "big")
