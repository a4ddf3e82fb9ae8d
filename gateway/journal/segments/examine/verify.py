"""Verifying that every event can be read: heads, checksums, order, epochs, identity and names."""

from collections.abc import Iterator
from pathlib import Path

from gateway.journal.segments import files, scan
from gateway.journal.segments.catalogue import File
from gateway.journal.segments.examine.findings import Finding, between, count_events, damaged, fault, not_ours
from gateway.journal.segments.examine.inventory import Inventory, Member, opened
from gateway.journal.segments.examine.walk import Damage, limit, walk

_REPORT_EVERY = 4 * 1024 * 1024  # bytes


class Verification:
    """One pass over an inventory. The counts are those up to where it has come."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.bytes = 0
        """Bytes that were gone through."""
        self.files = self.events = self.faults = 0
        self.lost = 0
        """Events that cannot be read."""
        self._epochs: dict[tuple[str, int], Path] = {}

    def run(self) -> Iterator[Finding | None]:
        """Yield each finding, and None every few megabytes. Raises OSError."""
        for finding in self._findings():
            if finding:
                self.faults += finding.fault
                self.lost += finding.events
            yield finding

    def _findings(self) -> Iterator[Finding | None]:
        for path in self.inventory.strays:
            message = "it is not a file of the journal, and is not read"
            yield Finding("stray_file", False, path.parent.name, path, message)
        for members in self.inventory.members.values():
            for member in members:
                start = self.bytes
                try:
                    with opened(member) as file:
                        size = file.size()
                        yield from self._first_page(member, file)
                        if not member.flaw:
                            yield from self._events(member, file)
                except FileNotFoundError:
                    continue  # deleted meanwhile, as it was delivered
                self.files += 1
                self.bytes = start + size
                yield None

    def _first_page(self, member: Member, file: File) -> Iterator[Finding]:
        first, second = files.read_heads(file.descriptor)
        if first is None and second is None:
            yield fault(member, "head_damaged", "both copies of its head are damaged; this costs no event")
        elif first != second:
            which = "first" if first is None else "second"
            message = f"the {which} copy of its head is damaged; this costs no event"
            yield fault(member, "head_damaged", message)
        if file.end() is None:
            message = "its end record is damaged; it is read to its last whole chunk"
            yield fault(member, "end_damaged", message)
        if member.flaw:
            yield not_ours(member)
        elif file.epoch:
            other = self._epochs.setdefault((member.partition, file.epoch), member.path)
            if other != member.path:
                yield fault(member, "epoch_repeated", f"it has the epoch of {other.name}")

    def _events(self, member: Member, file: File) -> Iterator[Finding | None]:
        successor = self.inventory.successor(member)
        end = limit(file, successor)
        start = reported = self.bytes
        for step in walk(file, end):
            if isinstance(step, Damage):
                yield damaged(member, step)
                continue
            self.events += step.chunk.count
            self.bytes = start + step.end
            lines = bytes(step.chunk.data).count(b"\n")
            if lines != step.chunk.count:
                message = f"a chunk of {step.chunk.count} events has {lines} lines"
                yield fault(member, "wrong_count", message, step.offset)
            if self.bytes - reported > _REPORT_EVERY:
                reported = self.bytes
                yield None
        if successor is None:
            yield from _behind(member, file, end.offset)
        else:
            yield from between(member, file, successor)


def _behind(member: Member, file: File, offset: int) -> Iterator[Finding]:
    """Look behind the durable end of a partition's last file, whose writer may be publishing it."""
    chunks = scan.chunks(file.descriptor, offset, file.size(), file.epoch)
    events = sum(each.chunk.count for each in chunks)
    durable = file.end()
    if events and durable and durable.offset == offset:
        message = (
            f"{count_events(events)} behind its durable end, not counted:"
            " not durable yet, or copied while the gateway was running"
        )
        yield Finding("not_durable", False, member.partition, member.path, message, offset)
