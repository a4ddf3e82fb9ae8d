"""The findings that `gateway journal` reports: their codes and messages."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.journal.segments.examine.inventory import FileEntry
from gateway.journal.segments.examine.walk import Damage
from gateway.journal.segments.open_files import File


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault, or a note if nothing is damaged or missing."""

    code: str
    fault: bool
    """True if something is damaged or missing."""
    partition: str
    file: Path
    message: str
    offset: int | None = None
    position: str = ""
    """The position of the first event that cannot be read; empty if every event can."""
    events: int = 0
    """The number of events that cannot be read."""


def fault(entry: FileEntry, code: str, message: str, offset: int | None = None) -> Finding:
    """Return a fault that loses no event."""
    return Finding(code, True, entry.partition, entry.path, message, offset)


def _lost(
    entry: FileEntry, code: str, reason: str, first: int, end: int, offset: int | None = None
) -> Finding:
    """Return a fault that loses the events from `first` up to, but not including, `end`."""
    last = f" to {entry.partition}/{end - 1}" if end - first > 1 else ""
    position = f"{entry.partition}/{first}"
    message = f"{reason}; {count_events(end - first)} cannot be read: {position}{last}"
    return Finding(code, True, entry.partition, entry.path, message, offset, position, end - first)


def not_ours(entry: FileEntry) -> Finding:
    """Return the fault for a file that does not belong to its partition."""
    return fault(entry, "not_ours", f"{entry.mismatch}; skipped, and set aside at the next start")


def not_kept(oldest: FileEntry) -> Finding:
    """Return a note that requested events were deleted after their delivery."""
    message = f"events before {oldest.partition}/{oldest.first} are no longer retained"
    return Finding("not_kept", False, oldest.partition, oldest.path, message)


def damaged(entry: FileEntry, damage: Damage) -> Finding:
    """Return the fault for a damaged range of a file."""
    code, reason, offset = "chunk_damaged", damage.reason, damage.offset
    if damage.first == damage.end:
        return fault(entry, code, f"{reason}; no event is lost", offset)
    return _lost(entry, code, reason, damage.first, damage.end, offset)


def between(entry: FileEntry, file: File, successor: int) -> Iterator[Finding]:
    """Compare the end of a finished file with the start of the next; unfinished files are not compared."""
    durable = file.end()
    if durable is None or not durable.finished:
        return
    if durable.number < successor:
        yield _lost(entry, "events_missing", "the next file starts too late", durable.number, successor)
    elif durable.number > successor:
        events = count_events(durable.number - successor)
        yield fault(entry, "files_overlap", f"its last {events} are also in the next file")


def count_events(number: int) -> str:
    """Return a number of events as text, such as "1,234 events"."""
    return "1 event" if number == 1 else f"{number:,} events"
