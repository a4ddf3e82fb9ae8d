"""
Going through one file chunk by chunk, and telling what of it is damaged and what that costs.

Finds the same events as a Reader does, and besides says why others are not found.
"""

import errno
import os
from collections.abc import Iterator
from typing import NamedTuple

from gateway.journal import chunk
from gateway.journal.segments import scan
from gateway.journal.segments.catalogue import File
from gateway.journal.segments.files import START
from gateway.journal.segments.scan import Found

_PIECE = 1024 * 1024


class Limit(NamedTuple):
    """Where the durable part of a file ends."""

    offset: int
    number: int | None
    """One past its last event; None if nothing says it."""


class Damage(NamedTuple):
    """A place at which no chunk can be read, up to the next one that can."""

    offset: int
    reason: str
    first: int
    end: int
    """The events from `first` on, before `end`, are lost; none if both are the same."""


def limit(file: File, successor: int | None) -> Limit:
    """
    How far a file may be read; `successor` is the number that the file after it begins with, if there is one.

    Where a file was left unfinished after an I/O error, the number alone tells. Raises OSError.
    """
    durable = file.end()
    if durable is None or not (durable.finished or successor is None):
        return Limit(file.size(), successor)
    return Limit(durable.offset, durable.number if successor is None else min(durable.number, successor))


def walk(file: File, end: Limit) -> Iterator[Found | Damage]:
    """Yield every whole chunk before `end`, in order, and every damage between them. Raises OSError."""
    window = _Window(file.descriptor, end.offset)
    offset, number = START, file.first
    while end.number is None or number < end.number:
        found, reason = _at(window, offset, number, file.epoch)
        if found is None:
            found = _after(file, offset, number, end)
            if found is None:
                if end.number is not None:
                    yield Damage(offset, reason, number, end.number)
                return
            yield Damage(offset, reason, number, max(number, found.chunk.first))
        yield Found(found.offset, found.end, found.chunk.since(number))
        offset, number = found.end, found.chunk.end


def _at(window: "_Window", offset: int, number: int, epoch: int) -> tuple[Found | None, str]:
    """The chunk at an offset, if it is whole and the one that is due there; else what is wrong with it."""
    head = chunk.parse(window.read(offset, chunk.HEAD.size), 0)
    if head is None:
        return None, window.describe(offset)
    if offset + head.size > window.end:
        return None, "a chunk is cut off, or says a wrong length"
    whole = chunk.whole(head, window.read(offset, head.size), 0)
    if whole is None:
        return None, "a chunk's checksum is wrong"
    if epoch not in (0, whole.epoch):
        return None, "a chunk has the epoch of another file"
    if whole.first != number:
        return None, f"event {whole.first} stands where event {number} should"
    return Found(offset, offset + head.size, whole), ""


def _after(file: File, offset: int, number: int, end: Limit) -> Found | None:
    """The next whole chunk that has events from `number` on."""
    found = scan.after(file.descriptor, offset, end.offset, file.epoch, read_around_errors)
    while found and found.chunk.end <= number:
        found = scan.after(file.descriptor, found.end, end.offset, file.epoch, read_around_errors)
    return found if found and (end.number is None or found.chunk.first < end.number) else None


def read_around_errors(descriptor: int, size: int, offset: int) -> bytes:
    """Read as os.pread does, with zeros for what the disk does not give back."""
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return scan.readable(descriptor, size, offset)


class _Window:
    """A file up to `end`, read in large pieces."""

    def __init__(self, descriptor: int, end: int) -> None:
        self.end = end
        self._descriptor = descriptor
        self._start = 0
        self._buffer = memoryview(b"")

    def read(self, offset: int, size: int) -> memoryview:
        """So many bytes from an offset on, or fewer where the file ends."""
        size = max(0, min(size, self.end - offset))
        if not self._start <= offset <= offset + size <= self._start + len(self._buffer):
            most = min(max(size, _PIECE), max(0, self.end - offset))
            self._start = offset
            self._buffer = memoryview(read_around_errors(self._descriptor, most, offset))
        place = offset - self._start
        return self._buffer[place : place + size]

    def describe(self, offset: int) -> str:
        """What stands at an offset where no chunk begins."""
        found = bytes(self.read(offset, chunk.HEAD.size))
        if not found:
            return "the file ends too early"
        return "there are zeros where a chunk should be" if not any(found) else "no chunk begins here"
