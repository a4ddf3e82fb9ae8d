"""
Walk through a file chunk by chunk, and report what is damaged and which events are lost.

Finds the same events as Reader, and adds the reason why others cannot be read.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.journal import chunk
from gateway.journal.segments import scan
from gateway.journal.segments.files import START
from gateway.journal.segments.open_files import File
from gateway.journal.segments.scan import LocatedChunk

_READ_BYTES = 1024 * 1024


class Limit(NamedTuple):
    """The end of the durable part of a file."""

    offset: int
    number: int | None
    """One past the number of its last event; None if it is not recorded."""


class Damage(NamedTuple):
    """A damaged range, up to the next chunk that can be read."""

    offset: int
    reason: str
    first: int
    end: int
    """The events from `first` up to, but not including, `end` are lost; none if both are equal."""


def limit(file: File, successor: int | None) -> Limit:
    """
    Return how far a file may be read. `successor` is the first event number of the file after it.

    A file that was abandoned after an I/O error ends at the number of its successor. Raises OSError.
    """
    durable = file.end()
    if durable is None or not (durable.finished or successor is None):
        return Limit(file.size(), successor)
    return Limit(durable.offset, durable.number if successor is None else min(durable.number, successor))


def walk(file: File, end: Limit) -> Iterator[LocatedChunk | Damage]:
    """Yield every valid chunk before `end`, in order, and every damaged range. Raises OSError."""
    window = _Window(file.descriptor, end.offset)
    offset, number = START, file.first
    while end.number is None or number < end.number:
        found, reason = _chunk_at(window, offset, number, file.epoch)
        if found is None:
            found = _next_chunk(file, offset, number, end)
            if found is None:
                if end.number is not None:
                    yield Damage(offset, reason, number, end.number)
                return
            yield Damage(offset, reason, number, max(number, found.chunk.first))
        yield LocatedChunk(found.offset, found.end, found.chunk.since(number))
        offset, number = found.end, found.chunk.end


def _chunk_at(window: "_Window", offset: int, number: int, epoch: int) -> tuple[LocatedChunk | None, str]:
    """Return the chunk at an offset and "", or None and the reason why it is not the expected one."""
    header = chunk.parse_header(window.read(offset, chunk.HEADER.size), 0)
    if header is None:
        return None, window.describe(offset)
    if offset + header.size > window.end:
        return None, "a chunk is truncated, or its length is wrong"
    whole = chunk.decode(header, window.read(offset, header.size), 0)
    if whole is None:
        return None, "a chunk's checksum is wrong"
    if epoch not in (0, whole.epoch):
        return None, "a chunk has the epoch of another file"
    if whole.first != number:
        return None, f"expected event {number}, found event {whole.first}"
    return LocatedChunk(offset, offset + header.size, whole), ""


def _next_chunk(file: File, offset: int, number: int, end: Limit) -> LocatedChunk | None:
    """Return the next valid chunk that has events from `number` on, or None."""
    found = scan.next_chunk(file.descriptor, offset, end.offset, file.epoch, scan.read_around_errors)
    while found and found.chunk.end <= number:
        found = scan.next_chunk(file.descriptor, found.end, end.offset, file.epoch, scan.read_around_errors)
    return found if found and (end.number is None or found.chunk.first < end.number) else None


class _Window:
    """A file up to `end`, buffered."""

    def __init__(self, descriptor: int, end: int) -> None:
        self.end = end
        self._descriptor = descriptor
        self._start = 0
        self._buffer = memoryview(b"")

    def read(self, offset: int, size: int) -> memoryview:
        """Return `size` bytes from `offset` on, or fewer at the end of the file. Raises OSError."""
        size = max(0, min(size, self.end - offset))
        if not self._start <= offset <= offset + size <= self._start + len(self._buffer):
            most = min(max(size, _READ_BYTES), max(0, self.end - offset))
            self._start = offset
            self._buffer = memoryview(scan.read_around_errors(self._descriptor, most, offset))
        place = offset - self._start
        return self._buffer[place : place + size]

    def describe(self, offset: int) -> str:
        """Describe what is at an offset where no chunk starts."""
        found = bytes(self.read(offset, chunk.HEADER.size))
        if not found:
            return "the file ends too early"
        return "zeros instead of a chunk" if not any(found) else "no chunk starts here"
