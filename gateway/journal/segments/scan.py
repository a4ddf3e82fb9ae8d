"""Find chunks in a file: in sequence where it is intact, and by their magic after damage."""

import errno
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.journal import chunk
from gateway.journal.chunk import Chunk, Header

_WINDOW_BYTES = 1024 * 1024
_PROBE_BYTES = 32 * 1024
_CLOSE_BYTES = 64 * 1024  # reading these takes no longer than probing another place
_PAGE_BYTES = 4096

Read = Callable[[int, int, int], bytes]
"""A function with the signature of os.pread: (descriptor, size, offset)."""


class LocatedChunk(NamedTuple):
    """A valid chunk and its place in the file: offset and end in bytes."""

    offset: int
    end: int
    chunk: Chunk


def chunk_at(
    descriptor: int, offset: int, limit: int, epoch: int, read: Read = os.pread
) -> LocatedChunk | None:
    """Return the valid chunk at `offset` that ends by `limit`, or None. Raises OSError."""
    header = chunk.parse_header(read(descriptor, chunk.HEADER.size, offset), 0)
    if header is None or offset + header.size > limit or epoch not in (0, header.epoch):
        return None
    found = chunk.decode(header, read(descriptor, header.size, offset), 0)
    return LocatedChunk(offset, offset + header.size, found) if found else None


def next_chunk(
    descriptor: int, offset: int, limit: int, epoch: int, read: Read = os.pread
) -> LocatedChunk | None:
    """Return the first valid chunk that starts at `offset` or later, or None. Raises OSError."""
    while offset + chunk.HEADER.size <= limit:
        window = read(descriptor, min(_WINDOW_BYTES, limit - offset), offset)
        if not window:
            return None
        place = window.find(chunk.MAGIC)
        while place >= 0:
            found = chunk_at(descriptor, offset + place, limit, epoch, read)
            if found:
                return found
            place = window.find(chunk.MAGIC, place + 1)
        offset += max(1, len(window) - len(chunk.MAGIC) + 1)
    return None


def approach(
    descriptor: int, number: int, offset: int, limit: int, epoch: int, read: Read = os.pread
) -> LocatedChunk | None:
    """
    Return a valid chunk between two offsets that begins at or shortly before the event `number`.

    Bisects, because the chunks of a file are in the order of their numbers. If they are not, the chunk may
    begin anywhere before the event. Returns None if no such chunk is found. Raises OSError.
    """
    closest, end = None, limit
    while end - offset > _CLOSE_BYTES:
        middle = (offset + end) // 2
        found = _next_header(descriptor, middle, end, epoch, read)
        if found is None or found[1].first > number:
            end = middle
        else:
            closest = found[0]
            offset = closest + found[1].size
    # A damaged header may have a wrong number.
    valid = None if closest is None else chunk_at(descriptor, closest, limit, epoch, read)
    return valid if valid and valid.chunk.first <= number else None


def _next_header(
    descriptor: int, offset: int, limit: int, epoch: int, read: Read
) -> tuple[int, Header] | None:
    """Return offset and header of the first chunk at `offset` or later that may be valid, or None."""
    while offset + chunk.HEADER.size <= limit:
        window = read(descriptor, min(_PROBE_BYTES, limit - offset), offset)
        place = window.find(chunk.MAGIC)
        while place >= 0:
            header = chunk.parse_header(read(descriptor, chunk.HEADER.size, offset + place), 0)
            if header and offset + place + header.size <= limit and epoch in (0, header.epoch):
                return offset + place, header
            place = window.find(chunk.MAGIC, place + 1)
        offset += max(1, len(window) - len(chunk.MAGIC) + 1)
    return None


def chunks(
    descriptor: int, offset: int, limit: int, epoch: int, read: Read = os.pread
) -> Iterator[LocatedChunk]:
    """
    Yield all valid chunks from `offset` on, in the order of the file. Epoch 0 matches every epoch.

    Raises OSError.
    """
    while True:
        found = chunk_at(descriptor, offset, limit, epoch, read) or next_chunk(
            descriptor, offset + 1, limit, epoch, read
        )
        if found is None:
            return
        yield found
        offset = found.end


def read_around_errors(descriptor: int, size: int, offset: int) -> bytes:
    """Read like os.pread, but return zeros for pages that fail with EIO. Raises other OSErrors."""
    if size <= 0:
        return b""
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    parts = []
    while size > 0:
        part = min(_PAGE_BYTES, size)
        try:
            data = os.pread(descriptor, part, offset)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = bytes(part)
        if not data:
            break
        parts.append(data)
        offset += len(data)
        size -= len(data)
    return b"".join(parts)


def is_zero_from(descriptor: int, offset: int, limit: int) -> bool:
    """Return True if the file holds only zeros, as preallocated space does, from `offset` to `limit`."""
    while offset < limit:
        data = read_around_errors(descriptor, min(_WINDOW_BYTES, limit - offset), offset)
        if not data:
            return True
        if data != bytes(len(data)):
            return False
        offset += len(data)
    return True
