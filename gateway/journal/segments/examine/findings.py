"""What the commands that look at a journal have to say of it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.journal.segments.catalogue import File
from gateway.journal.segments.examine.inventory import Member
from gateway.journal.segments.examine.walk import Damage


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is damaged or missing, or else something to know."""

    code: str
    fault: bool
    """Whether anything is damaged or missing."""
    partition: str
    file: Path
    message: str
    offset: int | None = None
    position: str = ""
    """That of the first event that cannot be read; empty if all can."""
    events: int = 0
    """How many cannot be read."""


def fault(member: Member, code: str, message: str, offset: int | None = None) -> Finding:
    """A fault that costs no event."""
    return Finding(code, True, member.partition, member.path, message, offset)


def _lost(member: Member, code: str, reason: str, first: int, end: int, offset: int | None = None) -> Finding:
    """A fault that costs the events from `first` on, before `end`."""
    last = f" to {member.partition}/{end - 1}" if end - first > 1 else ""
    position = f"{member.partition}/{first}"
    message = f"{reason}; {count_events(end - first)} cannot be read: {position}{last}"
    return Finding(code, True, member.partition, member.path, message, offset, position, end - first)


def not_ours(member: Member) -> Finding:
    """A file that is not believed to belong to its partition."""
    return fault(member, "not_ours", f"{member.flaw}; it is passed over, and the next start sets it aside")


def not_kept(oldest: Member) -> Finding:
    """Events that were asked for, and deleted before, as they were delivered."""
    message = f"events before {oldest.partition}/{oldest.first} are not kept any more"
    return Finding("not_kept", False, oldest.partition, oldest.path, message)


def damaged(member: Member, damage: Damage) -> Finding:
    code, reason, offset = "chunk_damaged", damage.reason, damage.offset
    if damage.first == damage.end:
        return fault(member, code, f"{reason}; this costs no event", offset)
    return _lost(member, code, reason, damage.first, damage.end, offset)


def between(member: Member, file: File, successor: int) -> Iterator[Finding]:
    """Compare the end of a finished file with the beginning of the next; others end where that begins."""
    durable = file.end()
    if durable is None or not durable.finished:
        return
    if durable.number < successor:
        yield _lost(member, "events_missing", "the next file begins too late", durable.number, successor)
    elif durable.number > successor:
        events = count_events(durable.number - successor)
        yield fault(member, "files_overlap", f"its last {events} stand in the next file too")


def count_events(number: int) -> str:
    """A number of events, in words."""
    return "1 event" if number == 1 else f"{number:,} events"
