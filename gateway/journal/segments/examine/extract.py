"""Extract events from a journal in any folder, in order, and report what cannot be read."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from gateway.journal.base import Position, UnknownPosition
from gateway.journal.chunk import Chunk
from gateway.journal.segments.examine.findings import Finding, between, damaged, not_kept, not_ours
from gateway.journal.segments.examine.inventory import FileEntry, Inventory, open_entry
from gateway.journal.segments.examine.walk import Damage, limit, walk


class Selection(msgspec.Struct, frozen=True):
    """A filter on events; None matches everything."""

    partition: str | None = None
    start: int | None = None
    """The number of the first event; requires `partition`."""
    since: int | None = None
    """Matches events committed at or after this time, in milliseconds since 1970."""
    until: int | None = None
    """Matches events committed before this time."""

    def matches(self, chunk: Chunk) -> bool:
        return (self.since is None or chunk.received_at >= self.since) and (
            self.until is None or chunk.received_at < self.until
        )


class Extract(NamedTuple):
    """A chunk of events with its partition."""

    partition: str
    chunk: Chunk


def extract(inventory: Inventory, selection: Selection) -> Iterator[Extract | Finding]:
    """
    Yield the selected events, partition by partition, and a finding for what cannot be read.

    Raises UnknownPosition if `selection.start` is past the end, and OSError.
    """
    for partition, entries in inventory.entries.items():
        if selection.partition in (None, partition):
            yield from _partition(inventory, entries, selection)


def _partition(
    inventory: Inventory, entries: list[FileEntry], selection: Selection
) -> Iterator[Extract | Finding]:
    start = selection.start or 0
    valid = [entry for entry in entries if not entry.mismatch]
    yield from (not_ours(entry) for entry in entries if entry.mismatch)
    if valid and selection.start is not None and start < valid[0].first:
        yield not_kept(valid[0])
    end = 0
    for entry, successor in zip(valid, [*valid[1:], None], strict=False):
        if successor and (successor.first <= start or _begun_by(successor, selection.since)):
            continue
        if entry.header and selection.until is not None and entry.header.begun_at >= selection.until:
            return
        try:
            with open_entry(entry) as file:
                stop = limit(file, successor.first if successor else None)
                end = stop.number or entry.first
                for step in walk(file, stop):
                    if isinstance(step, Damage):
                        end = max(end, step.end)
                        if step.end > start:
                            yield damaged(entry, step)
                    else:
                        end = max(end, step.chunk.end)
                        if step.chunk.end > start and selection.matches(step.chunk):
                            yield Extract(entry.partition, step.chunk.since(start))
                if successor:
                    yield from between(entry, file, successor.first)
        except FileNotFoundError:
            pass  # released meanwhile
    if start > end:
        raise UnknownPosition(Position(start), valid[0].first if valid else 0, end)


def _begun_by(entry: FileEntry, time: int | None) -> bool:
    return time is not None and entry.header is not None and entry.header.begun_at < time
