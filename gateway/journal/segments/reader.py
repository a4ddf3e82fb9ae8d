"""
Reading a partition in order, from any position, while a writer may append to it.

Damage costs only the damaged chunk: its events are skipped and counted, and reading continues after it.
"""

import errno
import os
from pathlib import Path
from typing import NamedTuple

import structlog

from gateway import metrics
from gateway.journal import chunk
from gateway.journal.base import ANY_EPOCH, Position, Slice, UnknownPosition
from gateway.journal.chunk import Chunk
from gateway.journal.segments import rescue, scan
from gateway.journal.segments.files import START
from gateway.journal.segments.open_files import File, OpenFiles

log = structlog.get_logger()

DEFAULT_SLICE_BYTES = 1024 * 1024
"""The default size limit of a slice."""

_MIN_READ_BYTES = 64 * 1024
_MAX_QUARANTINED_BYTES = 4 * 1024 * 1024  # of one damaged range
_NEAR_EVENTS = 1000  # this many are read rather than bisecting the file
_MAX_READ_FAILURES = 20  # EIO at the same place; the sink's back-off separates the attempts


class _Cursor(NamedTuple):
    """The place in a file where the chunk with a given first event number starts, or should start."""

    file: File | None
    offset: int
    number: int


class _OrderCheck(NamedTuple):
    """The result of checking, up to an offset, whether a file's valid chunks are in numerical order."""

    file: File | None
    offset: int
    number: int
    ordered: bool


class Reader:
    """
    Implements journal.base.Reader for a partition in a folder. Not thread-safe.

    `quarantine` is the folder to which damaged bytes are copied, if any.
    """

    def __init__(self, folder: Path, quarantine: Path | None = None) -> None:
        self._files = OpenFiles(folder)
        self._quarantine = quarantine
        self._cursor = _Cursor(None, START, 0)
        self._order_check = _OrderCheck(None, START, 0, ordered=True)
        self._failures = 0
        self._read: scan.Read = os.pread

    def read(self, position: Position, limit: int = DEFAULT_SLICE_BYTES) -> Slice | None:
        """Return the events from a position on, or None if there are none yet. See journal.base.Reader."""
        located = self._locate(position)
        if located is None:
            return None
        file, successor = located
        if position.number < file.first:
            released = file.first - position.number
            return Slice(Position(file.first, position.epoch), [], released=released)
        if successor is None:
            durable = file.end()
            if durable is None:
                return None
            end, stop = durable.offset, durable.number
        else:
            end, stop = file.size(), successor
        try:
            found = self._read_file(file, position.number, end, stop, limit)
        except OSError as error:
            self._failures += error.errno == errno.EIO
            if error.errno != errno.EIO or self._failures < _MAX_READ_FAILURES:
                raise
            self._read = scan.read_around_errors  # what still cannot be read counts as damaged
            found = self._read_file(file, position.number, end, stop, limit)
        if found and found.chunks:
            self._failures, self._read = 0, os.pread
        return found

    def accepts(self, position: Position) -> bool:
        """Return True if the event before a position belongs to this history. Raises OSError."""
        try:
            self._locate(position)
        except UnknownPosition:
            return False
        return True

    def oldest(self) -> int:
        """Return the number of the oldest retained event, or `newest()` if there is none."""
        firsts = self._files.firsts()
        return firsts[0] if firsts else 0

    def newest(self) -> int:
        """Return one past the number of the newest durable event. Raises OSError."""
        for first in reversed(self._files.firsts()):
            file = self._files.file(first)
            durable = file and file.end()
            if durable:
                return max(first, durable.number)
        return 0

    def seek(self, time: float) -> int:
        """Return the first event number of a chunk appended at or after `time`. Raises OSError."""
        wanted = int(time * 1000)
        number = self.oldest()
        for first in self._files.firsts()[1:]:
            file = self._files.file(first)
            if file and file.header and file.header.begun_at < wanted:
                number = first
        while found := self.read(Position(number)):
            for each in found.chunks:
                if each.received_at >= wanted:
                    return each.first
            number = found.end.number
        return number

    def close(self) -> None:
        self._files.close()
        self._cursor = _Cursor(None, START, 0)

    def _locate(self, position: Position) -> tuple[File, int | None] | None:
        """Return the file that holds a position, or the oldest file, and the number of the file after it."""
        firsts = self._files.firsts()
        if not firsts:
            if position.number:
                raise UnknownPosition(position, 0, 0)
            return None
        place = max((i for i, first in enumerate(firsts) if first <= position.number), default=0)
        file = self._files.file(firsts[place])
        if file is None:
            self._files.forget(firsts[place])
            return None
        self._files.reading = file.first
        successor = firsts[place + 1] if place + 1 < len(firsts) else None
        if position.number >= file.first:
            self._check_position(position, file, firsts[place - 1] if place else None, last=successor is None)
        return file, successor

    def _check_position(self, position: Position, file: File, before: int | None, *, last: bool) -> None:
        """Raise UnknownPosition unless the event before a position belongs to this history."""
        durable = file.end() if last else None
        known = durable is None or position.number <= max(file.first, durable.number)
        if position.epoch != ANY_EPOCH and known:
            epochs = [file.epoch]
            if position.number == file.first:
                predecessor = None if before is None else self._files.file(before)
                # Without the previous file, the position cannot be checked and is accepted.
                epochs.append(predecessor.epoch if predecessor else ANY_EPOCH)
            known = ANY_EPOCH in epochs or position.epoch in epochs
        if not known:
            raise UnknownPosition(position, self.oldest(), self.newest())

    def _read_file(self, file: File, number: int, end: int, stop: int, limit: int) -> Slice | None:
        """Return the events of a file from `number` on, before the offset `end` and the number `stop`."""
        if number >= stop:
            return None
        if self._cursor.file is not file or self._cursor.number > number:
            self._cursor = _Cursor(file, START, file.first)
        if number - self._cursor.number > _NEAR_EVENTS:
            offset = self._cursor.offset
            near = scan.approach(file.descriptor, number, offset, end, file.epoch, self._read)
            if near:
                self._cursor = _Cursor(file, near.offset, near.chunk.first)
        while True:
            chunks = self._chunks(file, number, end, stop, limit)
            if chunks:
                return Slice(Position(chunks[-1].end, file.epoch or chunks[-1].epoch), chunks)
            # The chunk with this number is damaged or out of place: look for the next one.
            damaged_from = self._cursor.offset
            found = scan.next_chunk(file.descriptor, damaged_from, end, file.epoch, self._read)
            while found and found.chunk.end <= number:
                found = scan.next_chunk(file.descriptor, found.end, end, file.epoch, self._read)
            upto = found.offset if found else end
            if (found is None or found.chunk.first > number) and not self._is_in_order(file, end):
                found = self._earliest(file, number, end)
            if found and found.chunk.first < stop:
                self._cursor = _Cursor(file, found.offset, found.chunk.first)
                if found.chunk.first <= number:
                    continue
                resumed = found.chunk.first
            else:
                self._cursor = _Cursor(file, end, stop)
                resumed = stop
            self._quarantine_damage(file, number, damaged_from, upto, resumed - number)
            return Slice(Position(resumed, file.epoch), [], damaged=resumed - number)

    def _is_in_order(self, file: File, end: int) -> bool:
        """Return True if the valid chunks of a file are in the order of their numbers."""
        if self._order_check.file is not file:
            self._order_check = _OrderCheck(file, START, 0, ordered=True)
        _, offset, number, ordered = self._order_check
        for found in scan.chunks(file.descriptor, offset, end, file.epoch, self._read):
            ordered = ordered and found.chunk.first >= number
            number = found.chunk.end
        self._order_check = _OrderCheck(file, max(offset, end), number, ordered)
        return ordered

    def _earliest(self, file: File, number: int, end: int) -> scan.LocatedChunk | None:
        """Return the valid chunk with the lowest first number that holds events from `number` on."""
        found = scan.chunks(file.descriptor, START, end, file.epoch, self._read)
        later = (each for each in found if each.chunk.end > number)
        return min(later, key=lambda each: each.chunk.first, default=None)

    def _chunks(self, file: File, number: int, end: int, stop: int, limit: int) -> list[Chunk]:
        """Return consecutive valid chunks from the cursor on, without the events before `number`."""
        _, offset, expected = self._cursor
        chunks: list[Chunk] = []
        size, base, buffer = 0, 0, b""
        while size < limit and offset + chunk.HEADER.size <= end:
            if not base <= offset <= base + len(buffer) - chunk.HEADER.size:
                base, buffer = (
                    offset,
                    self._read(
                        file.descriptor, min(max(_MIN_READ_BYTES, limit - size), end - offset), offset
                    ),
                )
            header = chunk.parse_header(buffer, offset - base)
            wanted = expected if chunks else number
            if (
                header is None
                or offset + header.size > end
                or file.epoch not in (ANY_EPOCH, header.epoch)
                or not expected <= header.first < stop
                or header.first > wanted
            ):
                break
            if header.first + header.count > wanted:
                if offset + header.size > base + len(buffer):
                    most = min(max(header.size, limit - size), end - offset)
                    base, buffer = offset, self._read(file.descriptor, most, offset)
                found = chunk.decode(header, buffer, offset - base)
                if found is None:
                    break
                chunks.append(found.since(number))
                size += header.size
            offset, expected = offset + header.size, header.first + header.count
            self._cursor = _Cursor(file, offset, expected)
        return chunks

    def _quarantine_damage(self, file: File, number: int, start: int, end: int, lost: int) -> None:
        """Copy damaged bytes to the quarantine; log and count each damaged range once."""
        if not self._quarantine:
            return
        data = scan.read_around_errors(file.descriptor, min(_MAX_QUARANTINED_BYTES, end - start), start)
        kept = rescue.keep(self._quarantine, f"{file.path.parent.name}-{number:020d}.damaged", data)
        if kept:
            metrics.JOURNAL_INCIDENTS.labels("chunk_damaged").inc()
            log.error(
                "journal damaged, events lost", file=str(file.path), offset=start, events=lost, kept=str(kept)
            )
