"""
Runs: the files of the index. Each says of consecutive events which of their granules contain a term.

A granule is what one read of the journal returned: about 100 KB. A run is written once, complete, and
replaced only by a longer one with the same first event. It has a header of 80 bytes; three arrays with the
number of each granule's first event, and the first and last time of receipt of its events in milliseconds;
and the entries, sorted: the hash of a term in the upper 48 bits, the number of a granule within the run in
the lower 16. Integers have 64 bits and the machine's byte order.
"""

import mmap
import os
import secrets
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from gateway.inspector.search import terms
from gateway.inspector.search.excerpts import Excerpt
from gateway.inspector.search.terms import Term
from gateway.journal.base import Position
from gateway.raw import timestamps

_HEADER = struct.Struct("=8sQQQQQQQQQ")
_CHECKED = 16  # the checksum covers everything from here on
_MAGIC = b"GWIDX\x01\0\0"
_SUFFIX = ".run"
UNFINISHED = ".new"
"""The suffix of a run that is being written."""

_GRANULE_BITS = 16
_MAX_GRANULES = 2**_GRANULE_BITS
_NEVER = 2**63


class Run:
    """A run that is open for reading. Thread-safe. Raises OSError, and ValueError for a damaged file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(content) < _HEADER.size:
            raise ValueError("too short")
        magic, crc, granules, entries, *numbers = _HEADER.unpack_from(content)
        rest = memoryview(content)[_CHECKED:]
        if magic != _MAGIC or zlib.crc32(rest) != crc or len(content) != _size(granules, entries):
            raise ValueError("damaged")
        self.first, end, epoch, self.seed, self.earliest, self.latest = numbers
        self.end = Position(end, epoch)
        arrays = memoryview(content)[_HEADER.size :].cast("Q")
        self.firsts = arrays[:granules]
        self.earliests = arrays[granules : 2 * granules]
        self.latests = arrays[2 * granules : 3 * granules]
        self.entries = arrays[3 * granules :]

    def granule(self, place: int) -> range:
        """Return the numbers of the events of a granule, by its own number within the run."""
        last = place + 1 == len(self.firsts)
        return range(self.firsts[place], self.end.number if last else self.firsts[place + 1])

    def granules(
        self, wanted: Sequence[Term], since: int | None = None, until: int | None = None
    ) -> list[range]:
        """
        Return the granules that have all terms and an event received in the period, in order.

        Each is the range of its events' numbers. Few of the returned granules have no such event.
        """
        first, end = since or 0, _NEVER if until is None else until
        if self.latest < first or self.earliest >= end:
            return []
        places = self._places(wanted[0]) if wanted else list(range(len(self.firsts)))
        for term in wanted[1:]:
            places = sorted(set(places).intersection(self._places(term))) if places else places
        return [
            self.granule(place)
            for place in places
            if self.latests[place] >= first and self.earliests[place] < end
        ]

    def number_at(self, time: int) -> int:
        """Return the first number of the first granule that was received at `time` or later, or the end."""
        place = bisect_left(self.latests, time)
        return self.firsts[place] if place < len(self.firsts) else self.end.number

    def _places(self, term: Term) -> list[int]:
        low = terms.key(term, self.seed) << _GRANULE_BITS
        start = bisect_left(self.entries, low)
        end = bisect_right(self.entries, low + _MAX_GRANULES - 1, lo=start)
        return [entry & (_MAX_GRANULES - 1) for entry in self.entries[start:end]]


class Draft:
    """A run that is being built from the events from a position on."""

    def __init__(self, start: Position) -> None:
        self.first = start.number
        self.end = start
        self.seed = secrets.randbits(60)
        self._firsts = array("Q")
        self._earliests = array("Q")
        self._latests = array("Q")
        self._entries = array("Q")

    @classmethod
    def resume(cls, run: Run) -> "Draft":
        """Return a draft that continues a run."""
        draft = cls(Position(run.first))
        draft.end, draft.seed = run.end, run.seed
        draft._firsts.extend(run.firsts)
        draft._earliests.extend(run.earliests)
        draft._latests.extend(run.latests)
        draft._entries.extend(run.entries)
        return draft

    def is_full(self, entries: int) -> bool:
        """Return True if the run has `entries` entries, or no number is left for another granule."""
        return len(self._entries) >= entries or len(self._firsts) >= _MAX_GRANULES

    def add(self, excerpts: Sequence[Excerpt], end: Position) -> None:
        """Add a granule of events, up to `end`."""
        place = len(self._firsts)
        times = [each.received_at for each in excerpts if each.received_at]
        self._firsts.append(self.end.number)
        # An event without a readable time may have any.
        self._earliests.append(_milliseconds(min(times, default=""), 0))
        self._latests.append(_milliseconds(max(times, default=""), _NEVER))
        self._entries.extend(key << _GRANULE_BITS | place for key in terms.keys(excerpts, self.seed))
        self.end = end

    def write(self, folder: Path) -> Path:
        """Write the run into the folder of its partition, replacing a shorter one. Raises OSError."""
        entries = array("Q", sorted(self._entries))
        body = b"".join(part.tobytes() for part in (self._firsts, self._earliests, self._latests, entries))
        span = (min(self._earliests, default=0), max(self._latests, default=0))
        numbers = (len(self._firsts), len(entries), self.first, self.end.number, self.end.epoch, self.seed)
        crc = zlib.crc32(body, zlib.crc32(_HEADER.pack(_MAGIC, 0, *numbers, *span)[_CHECKED:]))
        path = folder / f"{self.first:020d}{_SUFFIX}"
        new = path.with_suffix(UNFINISHED)
        # Not synced, since that would disturb the commits of the journal: a damaged run is rebuilt.
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_HEADER.pack(_MAGIC, crc, *numbers, *span) + body)
        return new.replace(path)


def listing(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield path and inode of each run in the folder of a partition, in order; none without the folder."""
    try:
        with os.scandir(folder) as found:
            names = sorted((each.name, each.inode()) for each in found)
    except FileNotFoundError:
        return
    yield from ((folder / name, inode) for name, inode in names if name.endswith(_SUFFIX))


def continuous(runs: Iterable[Run], accepts: Callable[[Position], bool]) -> list[Run]:
    """Return the first runs of a partition, each of which continues where the one before ends.

    `accepts` tells if a position belongs to the history of the partition; the end of the last run does.
    """
    found: list[Run] = []
    for run in runs:
        if found and run.first != found[-1].end.number:
            break
        found.append(run)
    while found and not accepts(found[-1].end):
        found.pop()
    return found


def _size(granules: int, entries: int) -> int:
    return _HEADER.size + 8 * (3 * granules + entries)


def _milliseconds(text: str, unknown: int) -> int:
    found = timestamps.read_ours(text)
    return unknown if found is None else max(0, found)
