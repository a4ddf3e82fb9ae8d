"""Verify that every event can be read: headers, checksums, order, epochs, identity and names."""

from collections.abc import Iterator
from pathlib import Path

from gateway.journal.segments import files, scan
from gateway.journal.segments.examine.findings import Finding, between, count_events, damaged, fault, not_ours
from gateway.journal.segments.examine.inventory import FileEntry, Inventory, open_entry
from gateway.journal.segments.examine.walk import Damage, limit, walk
from gateway.journal.segments.open_files import File

_PROGRESS_BYTES = 4 * 1024 * 1024


class Verification:
    """One pass over an inventory. Its counts are updated as it proceeds."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.bytes = 0
        """Number of bytes verified."""
        self.files = self.events = self.faults = 0
        self.lost = 0
        """Number of events that cannot be read."""
        self._epochs: dict[tuple[str, int], Path] = {}

    def run(self) -> Iterator[Finding | None]:
        """Yield each finding, and None every few megabytes to report progress. Raises OSError."""
        for finding in self._findings():
            if finding:
                self.faults += finding.fault
                self.lost += finding.events
            yield finding

    def _findings(self) -> Iterator[Finding | None]:
        for path in self.inventory.strays:
            message = "not a journal file; skipped"
            yield Finding("stray_file", False, path.parent.name, path, message)
        for entries in self.inventory.entries.values():
            for entry in entries:
                start = self.bytes
                try:
                    with open_entry(entry) as file:
                        size = file.size()
                        yield from self._first_page(entry, file)
                        if not entry.mismatch:
                            yield from self._events(entry, file)
                except FileNotFoundError:
                    continue  # released meanwhile
                self.files += 1
                self.bytes = start + size
                yield None

    def _first_page(self, entry: FileEntry, file: File) -> Iterator[Finding]:
        first, second = files.read_headers(file.descriptor)
        if first is None and second is None:
            yield fault(entry, "head_damaged", "both copies of its header are damaged; no event is lost")
        elif first != second:
            which = "first" if first is None else "second"
            message = f"the {which} copy of its header is damaged; no event is lost"
            yield fault(entry, "head_damaged", message)
        if file.end() is None:
            message = "its end record is damaged; it is read up to its last valid chunk"
            yield fault(entry, "end_damaged", message)
        if entry.mismatch:
            yield not_ours(entry)
        elif file.epoch:
            other = self._epochs.setdefault((entry.partition, file.epoch), entry.path)
            if other != entry.path:
                yield fault(entry, "epoch_repeated", f"it has the epoch of {other.name}")

    def _events(self, entry: FileEntry, file: File) -> Iterator[Finding | None]:
        successor = self.inventory.successor(entry)
        end = limit(file, successor)
        start = reported = self.bytes
        for step in walk(file, end):
            if isinstance(step, Damage):
                yield damaged(entry, step)
                continue
            self.events += step.chunk.count
            self.bytes = start + step.end
            lines = bytes(step.chunk.data).count(b"\n")
            if lines != step.chunk.count:
                message = f"a chunk of {step.chunk.count} events has {lines} lines"
                yield fault(entry, "wrong_count", message, step.offset)
            if self.bytes - reported > _PROGRESS_BYTES:
                reported = self.bytes
                yield None
        if successor is None:
            yield from _check_tail(entry, file, end.offset)
        else:
            yield from between(entry, file, successor)


def _check_tail(entry: FileEntry, file: File, offset: int) -> Iterator[Finding]:
    """Report chunks after the durable end of a partition's last file."""
    chunks = scan.chunks(file.descriptor, offset, file.size(), file.epoch)
    events = sum(each.chunk.count for each in chunks)
    durable = file.end()
    if events and durable and durable.offset == offset:
        message = (
            f"{count_events(events)} after its durable end, not counted:"
            " not durable yet, or copied while the gateway was running"
        )
        yield Finding("not_durable", False, entry.partition, entry.path, message, offset)
