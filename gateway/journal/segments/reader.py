"""
Reading a partition from any position on, in order, beside the writer that may be at work.

What cannot be read is passed over and counted, never a reason to stop: damage costs its own chunk.
"""

import errno
import os
from pathlib import Path
from typing import NamedTuple

import structlog

from gateway import metrics
from gateway.journal import chunk
from gateway.journal.base import ANY, Position, Slice, UnknownPosition
from gateway.journal.chunk import Chunk
from gateway.journal.segments import rescue, scan
from gateway.journal.segments.catalogue import Catalogue, File
from gateway.journal.segments.files import START

log = structlog.get_logger()

LIMIT = 1024 * 1024
"""Bytes of one slice."""

_PIECE = 64 * 1024  # bytes that are read at the least
_MOST_KEPT = 4 * 1024 * 1024  # bytes of one damaged place
_MOST_FAILURES = 20  # of reading the same place, with a sink's back-off between them


class _Place(NamedTuple):
    """Where in a file the chunk of a number begins, or would."""

    file: File | None
    offset: int
    number: int


class _Order(NamedTuple):
    """What is known of the order of a file's whole chunks, up to an offset."""

    file: File | None
    offset: int
    number: int
    kept: bool


class Reader:
    """Not for more than one thread at a time. `quarantine`: where damaged bytes are kept, if anywhere."""

    def __init__(self, folder: Path, quarantine: Path | None = None) -> None:
        self._files = Catalogue(folder)
        self._quarantine = quarantine
        self._place = _Place(None, START, 0)
        self._order = _Order(None, START, 0, kept=True)
        self._failures = 0
        self._read: scan.Read = os.pread

    def read(self, position: Position, limit: int = LIMIT) -> Slice | None:
        """Return what follows a position, or None if nothing does yet. UnknownPosition; OSError may pass."""
        found = self._locate(position)
        if found is None:
            return None
        file, successor = found
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
            piece = self._follow(file, position.number, end, stop, limit)
        except OSError as error:
            self._failures += 1
            if error.errno != errno.EIO or self._failures < _MOST_FAILURES:
                raise
            self._read = scan.readable  # what cannot be read by now is damaged
            piece = self._follow(file, position.number, end, stop, limit)
        if piece and piece.chunks:
            self._failures, self._read = 0, os.pread
        return piece

    def knows(self, position: Position) -> bool:
        """Whether the event before a position is one of this history. Raises OSError."""
        try:
            self._locate(position)
        except UnknownPosition:
            return False
        return True

    def oldest(self) -> int:
        """The number of the oldest event that is kept; `newest()` if there is none."""
        firsts = self._files.firsts()
        return firsts[0] if firsts else 0

    def newest(self) -> int:
        """One past the number of the newest durable event. Raises OSError."""
        for first in reversed(self._files.firsts()):
            file = self._files.file(first)
            durable = file and file.end()
            if durable:
                return max(first, durable.number)
        return 0

    def seek(self, time: float) -> int:
        """The number of the first event in a chunk appended at or after `time` (seconds since 1970)."""
        wanted = int(time * 1000)
        number = self.oldest()
        for first in self._files.firsts()[1:]:
            file = self._files.file(first)
            if file and file.head and file.head.begun_at < wanted:
                number = first
        while piece := self.read(Position(number)):
            for each in piece.chunks:
                if each.received_at >= wanted:
                    return each.first
            number = piece.end.number
        return number

    def close(self) -> None:
        self._files.close()
        self._place = _Place(None, START, 0)

    def _locate(self, position: Position) -> tuple[File, int | None] | None:
        """The file that holds a position, or else the oldest, and the number of the one after it."""
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
            self._check(position, file, firsts[place - 1] if place else None, last=successor is None)
        return file, successor

    def _check(self, position: Position, file: File, before: int | None, *, last: bool) -> None:
        """Raise UnknownPosition unless the event before a position is one of this history."""
        durable = file.end() if last else None
        known = durable is None or position.number <= max(file.first, durable.number)
        if position.epoch != ANY and known:
            epochs = [file.epoch]
            if position.number == file.first:
                predecessor = None if before is None else self._files.file(before)
                epochs.append(predecessor.epoch if predecessor else ANY)  # nothing tells, if there is none
            known = ANY in epochs or position.epoch in epochs
        if not known:
            raise UnknownPosition(position, self.oldest(), self.newest())

    def _follow(self, file: File, number: int, end: int, stop: int, limit: int) -> Slice | None:
        """What stands in a file from a number on, before the offset `end` and the number `stop`."""
        if number >= stop:
            return None
        if self._place.file is not file or self._place.number > number:
            self._place = _Place(file, START, file.first)
        while True:
            chunks = self._chunks(file, number, end, stop, limit)
            if chunks:
                return Slice(Position(chunks[-1].end, file.epoch or chunks[-1].epoch), chunks)
            # The chunk of this number is not where it should be.
            damaged_from = self._place.offset
            found = scan.after(file.descriptor, damaged_from, end, file.epoch, self._read)
            while found and found.chunk.end <= number:
                found = scan.after(file.descriptor, found.end, end, file.epoch, self._read)
            upto = found.offset if found else end
            if (found is None or found.chunk.first > number) and not self._is_in_order(file, end):
                found = self._earliest(file, number, end)
            if found and found.chunk.first < stop:
                self._place = _Place(file, found.offset, found.chunk.first)
                if found.chunk.first <= number:
                    continue
                resumed = found.chunk.first
            else:
                self._place = _Place(file, end, stop)
                resumed = stop
            self._keep(file, number, damaged_from, upto, resumed - number)
            return Slice(Position(resumed, file.epoch), [], damaged=resumed - number)

    def _is_in_order(self, file: File, end: int) -> bool:
        """Whether the whole chunks of a file stand in the order of their numbers."""
        if self._order.file is not file:
            self._order = _Order(file, START, 0, kept=True)
        _, offset, number, kept = self._order
        for found in scan.chunks(file.descriptor, offset, end, file.epoch, self._read):
            kept = kept and found.chunk.first >= number
            number = found.chunk.end
        self._order = _Order(file, max(offset, end), number, kept)
        return kept

    def _earliest(self, file: File, number: int, end: int) -> scan.Found | None:
        """The whole chunk that goes on with a number or, of all later ones, soonest; wherever it stands."""
        found = scan.chunks(file.descriptor, START, end, file.epoch, self._read)
        later = (each for each in found if each.chunk.end > number)
        return min(later, key=lambda each: each.chunk.first, default=None)

    def _chunks(self, file: File, number: int, end: int, stop: int, limit: int) -> list[Chunk]:
        """The whole chunks that follow one another from the present place on, from a number on."""
        _, offset, expected = self._place
        chunks: list[Chunk] = []
        size, base, buffer = 0, 0, b""
        while size < limit and offset + chunk.HEAD.size <= end:
            if not base <= offset <= base + len(buffer) - chunk.HEAD.size:
                base, buffer = (
                    offset,
                    self._read(file.descriptor, min(max(_PIECE, limit - size), end - offset), offset),
                )
            head = chunk.parse(buffer, offset - base)
            wanted = expected if chunks else number
            if (
                head is None
                or offset + head.size > end
                or file.epoch not in (ANY, head.epoch)
                or not expected <= head.first < stop
                or head.first > wanted
            ):
                break
            if head.first + head.count > wanted:
                if offset + head.size > base + len(buffer):
                    most = min(max(head.size, limit - size), end - offset)
                    base, buffer = offset, self._read(file.descriptor, most, offset)
                found = chunk.whole(head, buffer, offset - base)
                if found is None:
                    break
                chunks.append(found.since(number))
                size += head.size
            offset, expected = offset + head.size, head.first + head.count
            self._place = _Place(file, offset, expected)
        return chunks

    def _keep(self, file: File, number: int, start: int, end: int, lost: int) -> None:
        """Keep damaged bytes for somebody to look at, and say so once."""
        if not self._quarantine:
            return
        data = scan.readable(file.descriptor, min(_MOST_KEPT, end - start), start)
        kept = rescue.keep(self._quarantine, f"{file.path.parent.name}-{number:020d}.damaged", data)
        if kept:
            metrics.JOURNAL_INCIDENTS.labels("chunk_damaged").inc()
            log.error("journal damaged", file=str(file.path), offset=start, events=lost, kept=str(kept))
