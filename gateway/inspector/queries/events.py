"""Events of the journal: search, and the journey of one event to every sink."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import Literal

import msgspec
from msgspec import Raw

from gateway import masking
from gateway.errors import StateUnavailable
from gateway.inspector.queries import batches, exchanges, raw
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.fates import Fate, Located, fates
from gateway.inspector.queries.filters import (
    Filter,
    Page,
    page_size,
    read_positions,
    require_shown,
    write_positions,
)
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.raw import NoRaw, RawRequest
from gateway.inspector.queries.sinks import dry_runs
from gateway.inspector.search.backwards import Backwards
from gateway.inspector.search.excerpts import Excerpt, read_excerpt
from gateway.inspector.search.wanted import Hit, Matcher, Wanted
from gateway.journal.base import Position, Reader, UnknownPosition
from gateway.state import report
from gateway.state.store import State
from gateway.warnings import Warning

SECONDS = 0.8
"""The time after which a search returns what it has found so far."""

_MASKABLE = {"event": "event", "userid": "user_id", "anonymousid": "anonymous_id"}
_MOST_COPIES = 100  # of one messageId, searched for the original of a duplicate


class EventRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event in a list or in the live tail."""

    position: str
    """Such as `0/12345`."""
    received_at: str
    """ISO-8601 UTC, to the millisecond."""
    source: str
    dialect: str
    type: str
    event: str = ""
    """The name of a track event, page or screen."""
    message_id: str
    user_id: str = ""
    anonymous_id: str = ""
    verdict: Literal["accepted", "repaired"]
    codes: tuple[str, ...] = ()
    """The codes of the event's warnings, each once."""


class EventJourney(msgspec.Struct, frozen=True, kw_only=True):
    """One event, from its request to every sink."""

    row: EventRow
    warnings: list[Warning]
    canonical: Raw
    """The event as JSON, without the values that `[inspector] mask` hides."""
    raw: RawRequest | NoRaw
    sinks: list[Fate]
    """One fate for each configured sink, in the order of the configuration."""


class _Warned(msgspec.Struct):
    warnings: list[Warning] = []


_read_warnings = msgspec.json.Decoder(_Warned).decode


def events(
    inspection: Inspection, filter: Filter, clock: Callable[[], float] = time.monotonic
) -> Page[EventRow]:
    """
    Return events of the journal, the newest first. The time is limited, so a page may be partial.

    Refused events are not in the journal (see refused.py): with the verdict "refused" the page is empty.
    Raises InvalidQuery and OSError.
    """
    size = page_size(filter)
    hidden = hidden_keys(inspection)
    matcher = Matcher(wanted(filter, hidden), hidden)
    before = read_positions("cursor", filter.cursor) if filter.cursor else None
    if filter.verdict == "refused":
        return Page([])
    deadline = clock() + SECONDS
    with report.readers(inspection.journal) as readers:
        searches = _searches(inspection, readers, matcher, before)
        found, partial = _newest(searches, size, lambda: clock() >= deadline)
    left = {partition: each.resume for partition, each in searches.items() if not each.done}
    rows = [row(partition, hit, hidden) for partition, hit in found]
    return Page(rows, write_positions(left) if left else None, partial)


def event(
    inspection: Inspection,
    position: str,
    patience: float = raw.PATIENCE_SECONDS,
    *,
    addresses: bool = False,
) -> EventJourney | None:
    """
    Return one event by its position, such as `0/12345`, or None if the journal has none there.

    Without `addresses`, IP addresses lose their last part. Waits up to `patience` seconds for the request.
    Raises InvalidQuery, StateUnavailable and OSError.
    """
    places = read_positions("position", position)
    if len(places) != 1:
        raise InvalidQuery(f'position: expected one such as "0/12", got {position[:100]!r}')
    [(partition, number)] = places.items()
    if partition not in inspection.journal.partitions():
        return None
    with closing(inspection.journal.reader(partition)) as reader:
        located = _locate(reader, partition, number)
        if located is None:
            return None
        excerpt = read_excerpt(located.line)
        hidden = hidden_keys(inspection)
        shown = (masking.hide if addresses else masking.show)(located.line, hidden)
        return EventJourney(
            row=row(partition, Hit(number, excerpt), hidden),
            warnings=_read_warnings(shown).warnings,
            canonical=Raw(shown),
            raw=raw.raw(inspection, located.line, patience),
            sinks=_fates(inspection, reader, located, excerpt),
        )


def wanted(filter: Filter, hidden: Collection[str]) -> Wanted:
    """Return what a filter searches for. Raises InvalidQuery, also for the value of a `hidden` key."""
    require_shown(filter, hidden)
    if filter.verdict not in ("", "accepted", "repaired", "refused"):
        raise InvalidQuery(f'verdict: expected "accepted", "repaired" or "refused", got {filter.verdict!r}')
    return Wanted(
        source=filter.source,
        type=filter.type,
        event=filter.event,
        user=filter.user,
        message_id=filter.message_id,
        code=filter.code,
        repaired={"repaired": True, "accepted": False}.get(filter.verdict),
        text=filter.text,
        since=filter.first,
        until=filter.end,
    )


def row(partition: str, hit: Hit, hidden: Collection[str]) -> EventRow:
    """Return an event that was found, as lists show it, without the values of `hidden` keys."""
    excerpt = hit.excerpt
    found = EventRow(
        position=f"{partition}/{hit.number}",
        received_at=excerpt.received_at,
        source=excerpt.source.name,
        dialect=excerpt.source.dialect,
        type=excerpt.type,
        event=excerpt.title,
        message_id=excerpt.message_id,
        user_id=excerpt.user_id,
        anonymous_id=excerpt.anonymous_id,
        verdict="repaired" if excerpt.warnings else "accepted",
        codes=tuple(dict.fromkeys(each.code for each in excerpt.warnings)),
    )
    masked = {
        field: masking.MASK for key, field in _MASKABLE.items() if key in hidden and getattr(found, field)
    }
    return msgspec.structs.replace(found, **masked) if masked else found


def hidden_keys(inspection: Inspection) -> Collection[str]:
    """Return the keys whose values are not shown."""
    return masking.names(inspection.config().inspector.mask)


def _searches(
    inspection: Inspection, readers: Mapping[str, Reader], matcher: Matcher, before: Mapping[str, int] | None
) -> dict[str, Backwards]:
    """Return a search of each partition; if `before` is given, only of the partitions that it names."""
    ends = dict.fromkeys(readers) if before is None else before
    return {
        partition: Backwards(reader, inspection.index.runs(partition, reader), matcher, ends[partition])
        for partition, reader in readers.items()
        if partition in ends
    }


def _newest(
    searches: Mapping[str, Backwards], size: int, late: Callable[[], bool]
) -> tuple[list[tuple[str, Hit]], bool]:
    """Return the newest events that searches find, and True if time ran out before all were found."""
    found: list[tuple[str, Hit]] = []
    while len(found) < size:
        # The newest event is known once each partition has returned its newest.
        for each in searches.values():
            while not each.head and not each.done:
                each.advance()
                if late() and not each.head and not each.done:
                    return found, True
        heads = {partition: each.head for partition, each in searches.items() if each.head}
        if not heads:
            break
        newest = max(heads, key=lambda partition: heads[partition].excerpt.received_at)
        found.append((newest, searches[newest].pop()))
    return found, False


def _locate(reader: Reader, partition: str, number: int) -> Located | None:
    try:
        found = reader.read(Position(number), limit=1)
    except UnknownPosition:
        return None
    if found is None or not found.chunks or found.chunks[0].first != number:
        return None
    chunk = found.chunks[0]
    return Located(partition, number, chunk.epoch, chunk.lines()[0])


def _fates(inspection: Inspection, reader: Reader, located: Located, excerpt: Excerpt) -> list[Fate]:
    sinks = inspection.config().sinks
    try:
        with closing(State.open_read_only(inspection.state)) as state:
            found = fates(
                state, sinks, located, reader, lambda: _original(inspection, state, located, excerpt)
            )
    except StateUnavailable as error:
        return [Fate(sink=name, outcome="pending", message=str(error)) for name in sinks]
    hidden = hidden_keys(inspection)
    return [_masked(_sent(inspection, located, fate), hidden) for fate in found]


def _masked(fate: Fate, hidden: Collection[str]) -> Fate:
    """Return a fate without hidden values; targets repeat what they were sent."""
    message, answer = (masking.hide_text(text, hidden) for text in (fate.message, fate.answer))
    return msgspec.structs.replace(fate, message=message, answer=answer)


def _sent(inspection: Inspection, located: Located, fate: Fate) -> Fate:
    """Return a fate with the time and batch of its delivery, if recorded, and whether it was a dry run."""
    if fate.outcome != "delivered":
        return fate
    for each in exchanges.of_event(inspection, fate.sink, located.partition, located.number):
        if each.dry_run or (each.status and 200 <= each.status < 300):
            return msgspec.structs.replace(fate, at=each.at, batch=each.batch, dry_run=each.dry_run)
    if found := batches.of_event(inspection, fate.sink, located.partition, located.number):
        fate = msgspec.structs.replace(fate, at=found[0], batch=found[1] or None)
    # As configured now; filters are judged by the current configuration too.
    return msgspec.structs.replace(fate, dry_run=fate.sink in dry_runs(inspection))


def _original(inspection: Inspection, state: State, located: Located, excerpt: Excerpt) -> str | None:
    """Return the position of the event that `located` is a duplicate of, if it is found in time."""
    matcher = Matcher(Wanted(message_id=excerpt.message_id, source=excerpt.source.name))
    deadline = time.monotonic() + SECONDS
    with report.readers(inspection.journal) as readers:
        searches = _searches(inspection, readers, matcher, None)
        found, _ = _newest(searches, _MOST_COPIES, lambda: time.monotonic() >= deadline)
    for partition, hit in found:
        others = hit.excerpt.received_at <= excerpt.received_at
        if others and not state.verdicts.duplicates(partition, hit.number, hit.number + 1):
            return f"{partition}/{hit.number}"
    return None
