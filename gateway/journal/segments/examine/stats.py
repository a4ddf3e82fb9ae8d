"""
Count the files, bytes and events of a journal, and find its oldest and newest event.

Reads the first page of each file and the headers of some chunks, but no events, so that 100 files take about
a second. Files, bytes, positions, times and events are exact; damaged events are included.
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from gateway.journal import chunk
from gateway.journal.chunk import Header
from gateway.journal.segments import files, scan
from gateway.journal.segments.examine.inventory import FileEntry, Inventory, open_entry
from gateway.journal.segments.examine.walk import Damage, limit, walk
from gateway.journal.segments.files import START
from gateway.journal.segments.open_files import File

_DAY_MS = 86_400_000
_MAX_HEADERS_PER_FILE = 2000  # of one file; the number of its other chunks is estimated
_LINEAR_SCAN_BYTES = 64 * 1024  # the range at which a binary search becomes a linear one
_MAX_CHUNK_BYTES = 64 * 1024 * 1024


class Stats(msgspec.Struct):
    """The counts for one or several partitions."""

    partition: str
    files: int = 0
    bytes: int = 0
    prepared: int = 0
    """Preallocated bytes, included in `bytes`."""
    events: int = 0
    chunks: int = 0
    largest: int = 0
    """Number of events in the largest chunk."""
    exact: bool = True
    """False if `chunks` and `largest` are estimated from the first chunks of each file."""
    last_day: int = 0
    """Number of events in the 24 hours up to the newest event of the journal."""
    oldest: int | None = None
    """The number of the oldest event; None if there is none."""
    newest: int | None = None
    oldest_at: int | None = None
    """When the oldest event was committed, in milliseconds since 1970; None if its chunk is damaged."""
    newest_at: int | None = None
    epochs: list[int] = []
    """The epochs of the files, in order."""
    damaged: list[FileEntry] = []
    """Files with a damaged first page, and files of other partitions, which are not counted."""


def count(inventory: Inventory) -> list[Stats]:
    """Return the counts of each partition. Raises OSError."""
    found = [_partition(inventory, partition) for partition in inventory.entries]
    newest = max((each.newest_at for each in found if each.newest_at is not None), default=None)
    if newest is not None:
        for each in found:
            each.last_day = _count_since(inventory, each.partition, newest - _DAY_MS + 1)
    return found


def total(partitions: list[Stats]) -> Stats:
    """Return the sum of several partitions, without event numbers and epochs."""
    return Stats(
        "",
        files=sum(each.files for each in partitions),
        bytes=sum(each.bytes for each in partitions),
        prepared=sum(each.prepared for each in partitions),
        events=sum(each.events for each in partitions),
        chunks=sum(each.chunks for each in partitions),
        largest=max((each.largest for each in partitions), default=0),
        exact=all(each.exact for each in partitions),
        last_day=sum(each.last_day for each in partitions),
        oldest_at=min((each.oldest_at for each in partitions if each.oldest_at is not None), default=None),
        newest_at=max((each.newest_at for each in partitions if each.newest_at is not None), default=None),
    )


def _partition(inventory: Inventory, partition: str) -> Stats:
    found = Stats(partition)
    for entry, file in _open_each(inventory.entries[partition]):
        if entry.mismatch or file.end() is None or None in files.read_headers(file.descriptor):
            found.damaged.append(entry)
        if not entry.mismatch:
            _add(found, file, *_end(file, inventory.successor(entry)))
    return found


def _open_each(entries: list[FileEntry]) -> Iterator[tuple[FileEntry, File]]:
    for entry in entries:
        try:
            with open_entry(entry) as file:
                yield entry, file
        except FileNotFoundError:
            pass  # released meanwhile


def _end(file: File, successor: int | None) -> tuple[int, int]:
    """Return the offset and number at which a file ends, from its chunks if they are not recorded."""
    end = limit(file, successor)
    if end.number is not None:
        return end.offset, end.number
    offset, number = START, file.first
    for step in walk(file, end):
        if not isinstance(step, Damage):
            offset, number = step.end, step.chunk.end
    return offset, number


def _add(found: Stats, file: File, offset: int, number: int) -> None:
    """Add a file that ends at an offset and number to the counts."""
    durable, size = file.end(), file.size()
    events = max(0, number - file.first)
    found.files += 1
    found.bytes += size
    found.prepared += max(0, size - durable.offset) if durable else 0
    found.epochs.append(file.epoch)
    if not events:
        return
    if found.oldest is None:
        found.oldest = file.first
        first = scan.next_chunk(file.descriptor, START, offset, file.epoch, scan.read_around_errors)
        found.oldest_at = first.chunk.received_at if first else None
    found.newest = number - 1
    last = _last_header(file, offset, number)
    found.newest_at = last.received_at if last else None
    found.events += events
    headers = list(islice(_headers(file, offset, number), _MAX_HEADERS_PER_FILE))
    counted = sum(header.count for header in headers)
    found.chunks += len(headers) * events // counted if counted else 0
    found.largest = max(found.largest, *(header.count for header in headers), 0)
    found.exact = found.exact and counted == events


def _headers(file: File, end: int, stop: int) -> Iterator[Header]:
    """Yield the headers of a file's chunks, up to the first that is damaged."""
    offset, number = START, file.first
    while number < stop and offset < end:
        header = chunk.parse_header(scan.read_around_errors(file.descriptor, chunk.HEADER.size, offset), 0)
        if header is None or header.first != number or header.count == 0:
            return
        yield header
        offset, number = offset + header.size, number + header.count


def _last_header(file: File, offset: int, number: int) -> Header | None:
    """Return the header of the chunk before `offset` that ends at `number`, or None."""
    size = _LINEAR_SCAN_BYTES
    while True:
        start = max(START, offset - size)
        data = scan.read_around_errors(file.descriptor, offset - start, start)
        place = data.rfind(chunk.MAGIC)
        while place >= 0:
            header = chunk.parse_header(data, place)
            if header and header.first + header.count == number:
                return header
            place = data.rfind(chunk.MAGIC, 0, place)
        if start == START or size > _MAX_CHUNK_BYTES:
            return None
        size *= 16


def _count_since(inventory: Inventory, partition: str, time: int) -> int:
    """Return the number of events of a partition that were committed at or after `time`."""
    events = 0
    for entry, file in _open_each(inventory.entries[partition][::-1]):
        if entry.mismatch:
            continue
        offset, number = _end(file, inventory.successor(entry))
        if entry.header and entry.header.begun_at < time:
            return events + max(0, number - _seek(file, offset, number, time))
        events += max(0, number - entry.first)
    return events


def _seek(file: File, end: int, stop: int, time: int) -> int:
    """Return the number of a file's first event committed at or after `time`, or `stop`."""
    low, high = START, end
    while high - low > _LINEAR_SCAN_BYTES:
        middle = (low + high) // 2
        found = scan.next_chunk(file.descriptor, middle, end, file.epoch, scan.read_around_errors)
        if found is None or found.chunk.received_at >= time:
            high = middle
        else:
            low = found.end
    for found in scan.chunks(file.descriptor, low, end, file.epoch):
        if found.chunk.received_at >= time:
            return found.chunk.first
    return stop
