"""
Counting what a journal holds, and from when.

Reads the first page of each file and the heads of a few chunks, but no events, so that 100 files take
about a second. Files, bytes, positions, times and events are exact; damaged events count like all others.
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from gateway.journal import chunk
from gateway.journal.chunk import Head
from gateway.journal.segments import files, scan
from gateway.journal.segments.catalogue import File
from gateway.journal.segments.examine.inventory import Inventory, Member, opened
from gateway.journal.segments.examine.walk import Damage, limit, read_around_errors, walk
from gateway.journal.segments.files import START

_DAY = 86_400_000  # milliseconds
_MOST_HEADS = 2000  # of one file; the number of its other chunks is estimated
_NEAR = 64 * 1024  # bytes that are searched one chunk after the other
_LARGEST_CHUNK = 64 * 1024 * 1024  # bytes; none is ever larger


class Stats(msgspec.Struct):
    """A partition."""

    partition: str
    files: int = 0
    bytes: int = 0
    prepared: int = 0
    """Of the bytes those that are made ready for events to come."""
    events: int = 0
    chunks: int = 0
    largest: int = 0
    """Events of the largest chunk."""
    exact: bool = True
    """Whether chunks were counted, and not estimated from the first ones of each file."""
    last_day: int = 0
    """Events of the 24 hours up to the newest event of the journal."""
    oldest: int | None = None
    """The number of the oldest event; None if there is none."""
    newest: int | None = None
    oldest_at: int | None = None
    """When the oldest event was committed, in milliseconds since 1970; None if that is damaged."""
    newest_at: int | None = None
    epochs: list[int] = []
    """Those of the files, in their order."""
    damaged: list[Member] = []
    """Files whose first page is damaged, or that are not of this partition; the latter are not counted."""


def count(inventory: Inventory) -> list[Stats]:
    """Count each partition. Raises OSError."""
    found = [_partition(inventory, partition) for partition in inventory.members]
    newest = max((each.newest_at for each in found if each.newest_at is not None), default=None)
    if newest is not None:
        for each in found:
            each.last_day = _count_since(inventory, each.partition, newest - _DAY + 1)
    return found


def total(partitions: list[Stats]) -> Stats:
    """Add partitions together; the numbers of their events and their epochs are left out."""
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
    for member, file in _open_each(inventory.members[partition]):
        if member.flaw or file.end() is None or None in files.read_heads(file.descriptor):
            found.damaged.append(member)
        if not member.flaw:
            _add(found, file, *_end(file, inventory.successor(member)))
    return found


def _open_each(members: list[Member]) -> Iterator[tuple[Member, File]]:
    for member in members:
        try:
            with opened(member) as file:
                yield member, file
        except FileNotFoundError:
            pass  # deleted meanwhile, as it was delivered


def _end(file: File, successor: int | None) -> tuple[int, int]:
    """The offset and the number at which a file ends, found by its chunks if nothing says them."""
    end = limit(file, successor)
    if end.number is not None:
        return end.offset, end.number
    offset, number = START, file.first
    for step in walk(file, end):
        if not isinstance(step, Damage):
            offset, number = step.end, step.chunk.end
    return offset, number


def _add(found: Stats, file: File, offset: int, number: int) -> None:
    """Add a file that ends at an offset and a number."""
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
        first = scan.after(file.descriptor, START, offset, file.epoch, read_around_errors)
        found.oldest_at = first.chunk.received_at if first else None
    found.newest = number - 1
    last = _last_head(file, offset, number)
    found.newest_at = last.received_at if last else None
    found.events += events
    heads = list(islice(_heads(file, offset, number), _MOST_HEADS))
    seen = sum(head.count for head in heads)
    found.chunks += len(heads) * events // seen if seen else 0
    found.largest = max(found.largest, *(head.count for head in heads), 0)
    found.exact = found.exact and seen == events


def _heads(file: File, end: int, stop: int) -> Iterator[Head]:
    """The heads of a file's chunks, up to the first that is damaged."""
    offset, number = START, file.first
    while number < stop and offset < end:
        head = chunk.parse(read_around_errors(file.descriptor, chunk.HEAD.size, offset), 0)
        if head is None or head.first != number or head.count == 0:
            return
        yield head
        offset, number = offset + head.size, number + head.count


def _last_head(file: File, offset: int, number: int) -> Head | None:
    """The head of the chunk before an offset that ends at a number."""
    size = _NEAR
    while True:
        start = max(START, offset - size)
        data = read_around_errors(file.descriptor, offset - start, start)
        place = data.rfind(chunk.MAGIC)
        while place >= 0:
            head = chunk.parse(data, place)
            if head and head.first + head.count == number:
                return head
            place = data.rfind(chunk.MAGIC, 0, place)
        if start == START or size > _LARGEST_CHUNK:
            return None
        size *= 16


def _count_since(inventory: Inventory, partition: str, time: int) -> int:
    """Events of a partition that were committed at or after a time."""
    events = 0
    for member, file in _open_each(inventory.members[partition][::-1]):
        if member.flaw:
            continue
        offset, number = _end(file, inventory.successor(member))
        if member.head and member.head.begun_at < time:
            return events + max(0, number - _seek(file, offset, number, time))
        events += max(0, number - member.first)
    return events


def _seek(file: File, end: int, stop: int, time: int) -> int:
    """The number of a file's first event that was committed at or after a time; `stop` if there is none."""
    low, high = START, end
    while high - low > _NEAR:
        middle = (low + high) // 2
        found = scan.after(file.descriptor, middle, end, file.epoch, read_around_errors)
        if found is None or found.chunk.received_at >= time:
            high = middle
        else:
            low = found.end
    for found in scan.chunks(file.descriptor, low, end, file.epoch):
        if found.chunk.received_at >= time:
            return found.chunk.first
    return stop
