"""Taking events out of a journal wherever it lies, in order, and saying what could not be read."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from gateway.journal.base import Position, UnknownPosition
from gateway.journal.chunk import Chunk
from gateway.journal.segments.examine.findings import Finding, between, damaged, not_kept, not_ours
from gateway.journal.segments.examine.inventory import Inventory, Member, opened
from gateway.journal.segments.examine.walk import Damage, limit, walk


class Wanted(msgspec.Struct, frozen=True):
    """Which events: all, but for what is said here."""

    partition: str | None = None
    start: int | None = None
    """The number of the first one, of one partition."""
    since: int | None = None
    """When they were committed, in milliseconds since 1970: not before this."""
    until: int | None = None
    """And before this."""

    def admits(self, chunk: Chunk) -> bool:
        return (self.since is None or chunk.received_at >= self.since) and (
            self.until is None or chunk.received_at < self.until
        )


class Extract(NamedTuple):
    """Events of one chunk."""

    partition: str
    chunk: Chunk


def extract(inventory: Inventory, wanted: Wanted) -> Iterator[Extract | Finding]:
    """
    Yield the events that are wanted, partition by partition, and what stood in the way.

    Raises UnknownPosition if `wanted.start` is past the end, and OSError.
    """
    for partition, members in inventory.members.items():
        if wanted.partition in (None, partition):
            yield from _partition(inventory, members, wanted)


def _partition(inventory: Inventory, members: list[Member], wanted: Wanted) -> Iterator[Extract | Finding]:
    start = wanted.start or 0
    believed = [member for member in members if not member.flaw]
    yield from (not_ours(member) for member in members if member.flaw)
    if believed and wanted.start is not None and start < believed[0].first:
        yield not_kept(believed[0])
    end = 0
    for member, successor in zip(believed, [*believed[1:], None], strict=False):
        if successor and (successor.first <= start or _begun_by(successor, wanted.since)):
            continue
        if member.head and wanted.until is not None and member.head.begun_at >= wanted.until:
            return
        try:
            with opened(member) as file:
                stop = limit(file, successor.first if successor else None)
                end = stop.number or member.first
                for step in walk(file, stop):
                    if isinstance(step, Damage):
                        end = max(end, step.end)
                        if step.end > start:
                            yield damaged(member, step)
                    else:
                        end = max(end, step.chunk.end)
                        if step.chunk.end > start and wanted.admits(step.chunk):
                            yield Extract(member.partition, step.chunk.since(start))
                if successor:
                    yield from between(member, file, successor.first)
        except FileNotFoundError:
            pass  # deleted meanwhile, as it was delivered
    if start > end:
        raise UnknownPosition(Position(start), believed[0].first if believed else 0, end)


def _begun_by(member: Member, time: int | None) -> bool:
    return time is not None and member.head is not None and member.head.begun_at < time
