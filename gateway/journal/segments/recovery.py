"""
Recovery of a partition after its writer ended, cleanly or not.

Its last file is read up to the last valid chunk. Bytes after it are set aside. Data that may not have been
synced is written again before readers may see it.
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import structlog

from gateway import durable, metrics
from gateway.journal.segments import files, rescue, scan
from gateway.journal.segments.files import START, End, Header

log = structlog.get_logger()

_COPY_BYTES = 1024 * 1024
_MAX_QUARANTINED_BYTES = 64 * 1024 * 1024  # of one file


def recover(folder: Path, journal: bytes, quarantine: Path) -> int:
    """
    Recover the partition in `folder`, and return the number of its next event. Raises OSError.

    Files of another journal or partition are set aside. A file of this partition is never deleted, and is
    truncated only after its last valid chunk. May be repeated.
    """
    for first in files.listing(folder):
        path = folder / files.name(first)
        reason = files.find_mismatch(path, first, journal)
        if reason:
            rescue.set_aside(path, quarantine, reason)
    existing = files.listing(folder)
    number = 0
    for first in existing:
        # Normally only the last file is unfinished; others were abandoned after an I/O error.
        last = first == existing[-1]
        number = _finish_file(folder / files.name(first), first, journal, quarantine, last=last)
    return number


def _finish_file(path: Path, first: int, journal: bytes, quarantine: Path, *, last: bool) -> int:
    """Finish a file on behalf of its writer, and return one past the number of its last event."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        header = files.read_header(descriptor)
        known = files.read_end(descriptor)
        if known and known.finished and known.offset <= size:
            return known.number
        if not last:
            return first  # an abandoned file ends where its successor starts
        if known and known.offset > size:
            log.error("journal file truncated", file=str(path), bytes=known.offset - size)
            metrics.JOURNAL_INCIDENTS.labels("file_lost").inc()
        if header is None:
            header = _rebuild_header(path, descriptor, first, journal)
        end = _find_end(descriptor, first, known, header, size)
        if known is None or end.offset > known.offset:
            _rewrite(descriptor, known.offset if known else START, end.offset)
        _truncate(path, descriptor, end.offset, size, quarantine)
        files.write_header(descriptor, header, End(end.offset, end.number, finished=True))
        durable.sync(descriptor)
        return end.number
    finally:
        os.close(descriptor)


def _rebuild_header(path: Path, descriptor: int, first: int, journal: bytes) -> Header:
    """Return a header, derived from path and chunks, for a file whose own header is damaged."""
    log.error("journal file header damaged, rewritten", file=str(path))
    metrics.JOURNAL_INCIDENTS.labels("head_damaged").inc()
    found = scan.next_chunk(descriptor, START, os.fstat(descriptor).st_size, 0, scan.read_around_errors)
    epoch = found.chunk.epoch if found else secrets.randbits(63) | 1
    return Header(journal, int(path.parent.name), epoch, first, files.milliseconds())


def _find_end(descriptor: int, first: int, known: End | None, header: Header, size: int) -> End:
    """Return the end of the last valid chunk, or the recorded durable end if that is later."""
    offset, number = (min(known.offset, size), known.number) if known else (START, first)
    for found in scan.chunks(descriptor, offset, size, header.epoch, scan.read_around_errors):
        if found.chunk.first >= number:
            offset, number = found.end, found.chunk.end
    return End(offset, number)


def _rewrite(descriptor: int, start: int, end: int) -> None:
    """
    Write and sync again a range that may be only in the page cache.

    After a failed sync the system marks these pages as written, so that another sync would do nothing.
    """
    while start < end:
        data = os.pread(descriptor, min(_COPY_BYTES, end - start), start)
        if not data:
            break
        files.write_all(descriptor, data, start)
        start += len(data)
    durable.sync(descriptor)


def _truncate(path: Path, descriptor: int, end: int, size: int, quarantine: Path) -> None:
    """Truncate a file after its last valid chunk. Anything but preallocated space goes to the quarantine."""
    if size <= end:
        return
    if not scan.is_zero_from(descriptor, end, size):
        tail = scan.read_around_errors(descriptor, min(_MAX_QUARANTINED_BYTES, size - end), end).rstrip(b"\0")
        kept = rescue.keep(quarantine, f"{path.parent.name}-{path.stem}-{end}.tail", tail)
        metrics.JOURNAL_INCIDENTS.labels("tail_set_aside").inc()
        log.warning("incomplete chunk set aside", file=str(path), bytes=len(tail), kept=str(kept))
    os.ftruncate(descriptor, max(end, START))


def identity(folders: Iterable[Path]) -> bytes | None:
    """Return the id of the journal to which most files belong, or None without a readable header."""
    votes: Counter[bytes] = Counter()
    for folder in folders:
        for first in files.listing(folder):
            descriptor = os.open(folder / files.name(first), os.O_RDONLY | os.O_CLOEXEC)
            try:
                header = files.read_header(descriptor)
            finally:
                os.close(descriptor)
            if header:
                votes[header.journal] += 1
    return votes.most_common(1)[0][0] if votes else None
