"""
Looking for chunks in a file: one after the other where all is well, and again behind damage where it is not.
"""

import errno
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.journal import chunk
from gateway.journal.chunk import Chunk

_WINDOW = 1024 * 1024
_PAGE = 4096

Read = Callable[[int, int, int], bytes]
"""Reads so many bytes of a descriptor from an offset on, as os.pread does."""


class Found(NamedTuple):
    """A whole chunk and where it stands."""

    offset: int
    end: int
    chunk: Chunk


def at(descriptor: int, offset: int, limit: int, epoch: int, read: Read = os.pread) -> Found | None:
    """The whole chunk at an offset that ends before `limit`, if there is one. Raises OSError."""
    head = chunk.parse(read(descriptor, chunk.HEAD.size, offset), 0)
    if head is None or offset + head.size > limit or epoch not in (0, head.epoch):
        return None
    found = chunk.whole(head, read(descriptor, head.size, offset), 0)
    return Found(offset, offset + head.size, found) if found else None


def after(descriptor: int, offset: int, limit: int, epoch: int, read: Read = os.pread) -> Found | None:
    """The next whole chunk that begins behind damage, at `offset` or later. Raises OSError."""
    while offset + chunk.HEAD.size <= limit:
        window = read(descriptor, min(_WINDOW, limit - offset), offset)
        if not window:
            return None
        place = window.find(chunk.MAGIC)
        while place >= 0:
            found = at(descriptor, offset + place, limit, epoch, read)
            if found:
                return found
            place = window.find(chunk.MAGIC, place + 1)
        offset += max(1, len(window) - len(chunk.MAGIC) + 1)
    return None


def chunks(descriptor: int, offset: int, limit: int, epoch: int, read: Read = os.pread) -> Iterator[Found]:
    """All whole chunks from an offset on, as they stand there; epoch 0: of any. Raises OSError."""
    while True:
        found = at(descriptor, offset, limit, epoch, read) or after(
            descriptor, offset + 1, limit, epoch, read
        )
        if found is None:
            return
        yield found
        offset = found.end


def readable(descriptor: int, size: int, offset: int) -> bytes:
    """What can be read of a part of a file; zeros stand for pages that its disk does not give back."""
    if size <= 0:
        return b""
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    parts = []
    while size > 0:
        part = min(_PAGE, size)
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


def ends_with_zeros(descriptor: int, offset: int, limit: int) -> bool:
    """Whether there is nothing but prepared space from an offset on."""
    while offset < limit:
        data = readable(descriptor, min(_WINDOW, limit - offset), offset)
        if not data:
            return True
        if data != bytes(len(data)):
            return False
        offset += len(data)
    return True
