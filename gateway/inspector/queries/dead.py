"""Dead letters: list, inspect, retry and drop them."""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from gateway import masking
from gateway.config.tables import suggest
from gateway.inspector.queries.cursors import read_id
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import Filter, Page, moment, page_size, require, require_shown
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.sinks import check
from gateway.raw import timestamps
from gateway.state.jobs import Job
from gateway.state.letters import Choice, Letter
from gateway.state.store import State

FILTERS = (
    *("source", "type", "event", "user", "message_id", "text", "code", "since", "until", "limit", "cursor"),
)
"""The filter fields that letters can be searched by."""

_MAX_IDS = 1000
_MAX_SECONDS = 2.0
"""The longest that a search may take; a longer one gives a partial page."""
_FILTERS = ("sink", "ids", "code", "event", "type", "source", "user", "message_id", "since", "until")


Id = Annotated[int, Meta(ge=1, le=2**53)]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter for programs and pages. Times are ISO-8601 UTC."""

    id: int
    sink: str
    position: str
    """Such as `0/12345`."""
    batch: str
    code: str
    message: str
    answer: str | None = None
    tries: int
    first_failed_at: str
    last_failed_at: str
    message_id: str
    source: str
    type: str
    event: str | None = None
    canonical: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class DeadCount(msgspec.Struct, frozen=True):
    """The number of a sink's letters with one code."""

    sink: str
    code: str
    letters: int


class DeadChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Letters to retry or drop: those that match all given fields, of which there must be at least one."""

    sink: str | None = None
    ids: Annotated[list[Id], Meta(max_length=_MAX_IDS)] | None = None
    code: str | None = None
    event: str | None = None
    type: str | None = None
    source: str | None = None
    user: str | None = None
    message_id: str | None = None
    since: str | None = None
    """The earliest `last_failed_at`: ISO-8601, or an age."""
    until: str | None = None
    limit: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    """Retry at most this many, the oldest first."""
    rate: Annotated[float, Meta(gt=0, lt=1e9)] | None = None
    """Retry at most this many per second."""
    dry_run: bool = False
    """Only count."""


class Retried(msgspec.Struct, frozen=True):
    """Letters that are sent again, while the gateway is running."""

    letters: int
    jobs: list[int]
    """One job per sink; none after a dry run."""
    refused: int | None = None
    """Letters that were refused again, if that is known already."""


class Dropped(msgspec.Struct, frozen=True):
    """Letters that were dropped, or would be."""

    letters: int


def dead(inspection: Inspection, filter: Filter, sink: str = "") -> Page[DeadLetter]:
    """
    Return letters of a sink, or of all, the oldest first; a page may be partial.

    Raises InvalidQuery and StateUnavailable.
    """
    require(filter, FILTERS)
    hidden = masking.names(inspection.config().inspector.mask)
    require_shown(filter, hidden)
    choice = Choice(
        sink=sink,
        code=filter.code,
        event=filter.event,
        type=filter.type,
        source=filter.source,
        user=filter.user,
        message_id=filter.message_id,
        since=filter.first,
        until=filter.end,
    )
    size, after, text = page_size(filter), read_id(filter.cursor) or 0, filter.text.lower()
    end = time.monotonic() + _MAX_SECONDS
    found: list[DeadLetter] = []
    with closing(State.open_read_only(inspection.state)) as state:
        for letter in state.dead.select(choice, after=after):
            if len(found) == size:
                return Page(found, str(after))
            after = letter.id
            shown = to_fields(letter, hidden)
            if not text or text in bytes(shown.canonical).decode().lower():
                found.append(shown)
            elif time.monotonic() > end:
                return Page(found, str(after), partial=True)
    return Page(found)


def counts(inspection: Inspection, sink: str = "") -> list[DeadCount]:
    """Return the number of letters by sink and code, the most frequent first. Raises StateUnavailable."""
    with closing(State.open_read_only(inspection.state)) as state:
        found = state.dead.count(Choice(sink=sink))
    return [DeadCount(name, code, letters) for (name, code), letters in found.most_common()]


def letter(inspection: Inspection, id: int) -> DeadLetter:
    """Return a letter. Raises NotFound and StateUnavailable."""
    with closing(State.open_read_only(inspection.state)) as state:
        return to_fields(find(state, id), masking.names(inspection.config().inspector.mask))


def retry(inspection: Inspection, choice: DeadChoice) -> Retried:
    """Order another attempt for letters. Raises InvalidQuery, NotFound and StateUnavailable."""
    with closing(State.open(inspection.state, inspection.home.journal)) as state:
        chosen = _choose(inspection, state, choice)
        found = state.dead.count(chosen)
        names = sorted({name for name, _ in found})
        for name in names:
            check(inspection.config(), name)
        if choice.dry_run:
            total = sum(found.values())
            return Retried(total if choice.limit is None else min(total, choice.limit), [])
        jobs = [*order_retries(state, names, chosen, choice.rate or 0.0, choice.limit)]
    return Retried(sum(job.events for job in jobs), [job.id for job in jobs])


def drop(inspection: Inspection, choice: DeadChoice) -> Dropped:
    """Delete letters; they count as skipped. Raises InvalidQuery, NotFound and StateUnavailable."""
    if choice.limit is not None or choice.rate is not None:
        raise InvalidQuery("limit and rate are for retries")
    with closing(State.open(inspection.state, inspection.home.journal)) as state:
        chosen = _choose(inspection, state, choice)
        if choice.dry_run:
            return Dropped(sum(state.dead.count(chosen).values()))
        return Dropped(state.dead.drop(chosen))


def find(state: State, id: int) -> Letter:
    """Return a letter. Raises NotFound and StateUnavailable."""
    found = next(state.dead.select(Choice(ids=(id,))), None)
    if found is None:
        raise NotFound(f"there is no dead letter {id}")
    return found


def order_retries(
    state: State, sinks: Iterable[str], choice: Choice, rate: float, limit: int | None
) -> Iterator[Job]:
    """Order a job for each sink, with at most `limit` letters in total, and yield it."""
    for name in sinks:
        job = state.jobs.retry(name, choice, rate, limit)
        limit = None if limit is None else limit - job.events
        yield job


def to_fields(letter: Letter, hidden: Collection[str] | None = None) -> DeadLetter:
    """
    Return a letter for programs and pages: without the values of `hidden` keys, and with addresses cut.

    Without `hidden` it is complete, as commands show it.
    """
    return DeadLetter(
        id=letter.id,
        sink=letter.sink,
        position=f"{letter.partition}/{letter.position}",
        batch=letter.batch,
        code=letter.code,
        message=masking.hide_text(letter.message, hidden or ()),
        answer=masking.hide_text(letter.answer, hidden or ()) or None,
        tries=letter.tries,
        first_failed_at=timestamps.write(letter.first_failed_at),
        last_failed_at=timestamps.write(letter.last_failed_at),
        message_id=letter.message_id,
        source=letter.source,
        type=letter.type,
        event=letter.event or None,
        canonical=Raw(letter.canonical if hidden is None else masking.show(letter.canonical, hidden)),
    )


def _choose(inspection: Inspection, state: State, choice: DeadChoice) -> Choice:
    """
    Return the filter of letters to change.

    Raises InvalidQuery if it selects all letters of all sinks, or has an empty value, such as a field left
    out by mistake; NotFound for a sink that is neither configured nor has letters.
    """
    given = {name: value for name in _FILTERS if (value := getattr(choice, name)) is not None}
    if not given:
        raise InvalidQuery(f"expected at least one of {', '.join(_FILTERS)}")
    for name, value in given.items():
        if not value:
            raise InvalidQuery(f"{name}: must not be empty")
    require_shown(choice, masking.names(inspection.config().inspector.mask))
    if choice.sink is not None:
        configured = inspection.config().sinks
        known = {name for name, _ in state.dead.count(Choice())}
        if choice.sink not in known and choice.sink not in configured:
            raise NotFound(f"there is no sink {choice.sink!r}{suggest(choice.sink, configured)}")
    if choice.ids is not None:
        given["ids"] = tuple(choice.ids)
    for name in ("since", "until"):
        if name in given:
            given[name] = moment(name, given[name])
    return Choice(**given)
