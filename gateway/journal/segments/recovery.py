"""
Taking over a partition whose last writer is gone, however it ended.

Its last file is read to the last whole chunk. What stands behind that is set aside, and what may not have
been synced is written again, so that readers may be told of it.
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import structlog

from gateway import durable, metrics
from gateway.journal.segments import files, rescue, scan
from gateway.journal.segments.files import START, End, Head

log = structlog.get_logger()

_PIECE = 1024 * 1024
_MOST_KEPT = 64 * 1024 * 1024  # bytes of a tail


def recover(folder: Path, journal: bytes, quarantine: Path) -> int:
    """
    The number for the next event of the partition in `folder`. Raises OSError.

    Files of another journal or partition are set aside; no file of this one is ever deleted or shortened
    but for prepared space and for what no whole chunk stands behind.
    """
    for first in files.listing(folder):
        path = folder / files.name(first)
        reason = files.stranger(path, first, journal)
        if reason:
            rescue.set_aside(path, quarantine, reason)
    existing = files.listing(folder)
    number = 0
    for first in existing:
        # Usually only the last was not finished; others were left after an I/O error.
        last = first == existing[-1]
        number = _finish(folder / files.name(first), first, journal, quarantine, last=last)
    return number


def _finish(path: Path, first: int, journal: bytes, quarantine: Path, *, last: bool) -> int:
    """Finish a file in its writer's place; the number after its last event."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        head = files.read_head(descriptor)
        known = files.read_end(descriptor)
        if known and known.finished and known.offset <= size:
            return known.number
        if not last:
            return first  # an abandoned file ends where its successor begins
        if known and known.offset > size:
            log.error("journal file was truncated", file=str(path), bytes=known.offset - size)
            metrics.JOURNAL_INCIDENTS.labels("file_lost").inc()
        if head is None:
            head = _head_by_chunks(path, descriptor, first, journal)
        end = _end(descriptor, first, known, head, size)
        if known is None or end.offset > known.offset:
            _write_again(descriptor, known.offset if known else START, end.offset)
        _cut(path, descriptor, end.offset, size, quarantine)
        files.write_head(descriptor, head, End(end.offset, end.number, finished=True))
        durable.sync(descriptor)
        return end.number
    finally:
        os.close(descriptor)


def _head_by_chunks(path: Path, descriptor: int, first: int, journal: bytes) -> Head:
    """A head for a file whose own is damaged, by its place and its chunks."""
    log.error("head of a journal file damaged; it is written again", file=str(path))
    metrics.JOURNAL_INCIDENTS.labels("head_damaged").inc()
    found = scan.after(descriptor, START, os.fstat(descriptor).st_size, 0, scan.readable)
    epoch = found.chunk.epoch if found else secrets.randbits(63) | 1
    return Head(journal, int(path.parent.name), epoch, first, files.milliseconds())


def _end(descriptor: int, first: int, known: End | None, head: Head, size: int) -> End:
    """Where the last whole chunk ends; what was durable counts, whether or not it still is whole."""
    offset, number = (min(known.offset, size), known.number) if known else (START, first)
    for found in scan.chunks(descriptor, offset, size, head.epoch, scan.readable):
        if found.chunk.first >= number:
            offset, number = found.end, found.chunk.end
    return End(offset, number)


def _write_again(descriptor: int, start: int, end: int) -> None:
    """
    Write what may be in memory alone: after a sync that failed the system takes it for written.
    """
    while start < end:
        data = os.pread(descriptor, min(_PIECE, end - start), start)
        if not data:
            break
        files.write_all(descriptor, data, start)
        start += len(data)
    durable.sync(descriptor)


def _cut(path: Path, descriptor: int, end: int, size: int, quarantine: Path) -> None:
    """Take off what stands behind the last whole chunk; what is no prepared space is kept aside."""
    if size <= end:
        return
    if not scan.ends_with_zeros(descriptor, end, size):
        tail = scan.readable(descriptor, min(_MOST_KEPT, size - end), end).rstrip(b"\0")
        kept = rescue.keep(quarantine, f"{path.parent.name}-{path.stem}-{end}.tail", tail)
        metrics.JOURNAL_INCIDENTS.labels("tail_set_aside").inc()
        log.warning("unfinished chunk set aside", file=str(path), bytes=len(tail), kept=str(kept))
    os.ftruncate(descriptor, max(end, START))


def identity(folders: Iterable[Path]) -> bytes | None:
    """The id of the journal that most files in these partitions belong to; None if there are none to tell."""
    votes: Counter[bytes] = Counter()
    for folder in folders:
        for first in files.listing(folder):
            descriptor = os.open(folder / files.name(first), os.O_RDONLY | os.O_CLOEXEC)
            try:
                head = files.read_head(descriptor)
            finally:
                os.close(descriptor)
            if head:
                votes[head.journal] += 1
    return votes.most_common(1)[0][0] if votes else None
