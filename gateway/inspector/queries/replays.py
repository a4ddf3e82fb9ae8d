"""Replays: sending parts of the journal to a sink again."""

import math
import time
from contextlib import closing
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway import masking
from gateway.config.tables import Config
from gateway.delivery.enrich import Enricher
from gateway.delivery.jobs import count
from gateway.delivery.prepare import Preparation
from gateway.home import Home
from gateway.inspector.queries.cursors import read_id
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import Filter, Page, moment, page_size, require, require_shown
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.sinks import writing
from gateway.journal.base import Log
from gateway.journal.follow import Wanted
from gateway.raw import timestamps
from gateway.state import report
from gateway.state.jobs import Job, Selection, Span
from gateway.state.store import State

FILTERS = ("limit", "cursor")
"""The fields of a filter that the list of replays knows."""

_COUNTED_AT_ONCE = 50_000
_MAX_SECONDS = 10.0


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay for programs and pages."""

    id: int
    sink: str
    state: str
    """running, done, cancelled or failed."""
    events: int
    """Events to send, before the sink's filters."""
    sent: int
    refused: int
    progress: float
    """From 0 to 1."""
    created_at: str
    since: str | None = None
    until: str | None = None
    filters: dict[str, str]


class ReplayOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The events to replay: those that match all given fields."""

    sink: str
    since: str | None = None
    """The earliest time of receipt: ISO-8601, or an age such as `2h`."""
    until: str | None = None
    source: str | None = None
    type: str | None = None
    event: str | None = None
    user: str | None = None
    message_id: str | None = None
    rate: Annotated[float, Meta(gt=0, lt=1e9)] | None = None
    """At most this many events per second."""
    dry_run: bool = False


class Counted(msgspec.Struct, frozen=True):
    """The number of events that a replay would send."""

    sink: str
    events: int
    partial: bool = False
    """True if it took too long to count all: there are more."""


def replays(inspection: Inspection, filter: Filter) -> Page[Replay]:
    """Return the replays, the newest first. Raises InvalidQuery and StateUnavailable."""
    require(filter, FILTERS)
    size, before = page_size(filter), read_id(filter.cursor)
    with closing(State.open_read_only(inspection.state)) as state:
        jobs = [job for job in state.jobs.all("replay") if before is None or job.id < before]
    shown = jobs[:size]
    return Page([to_fields(job) for job in shown], str(shown[-1].id) if len(jobs) > size else None)


def replay(inspection: Inspection, id: int) -> Replay:
    """Return a replay. Raises NotFound and StateUnavailable."""
    with closing(State.open_read_only(inspection.state)) as state:
        return to_fields(find(state, id))


def start(inspection: Inspection, order: ReplayOrder) -> Replay | Counted:
    """
    Order a replay; or count its events, if it is a dry run or there is nothing to replay.

    Raises InvalidQuery, NotFound, StateUnavailable and OSError.
    """
    given = msgspec.structs.asdict(order)
    for name, value in given.items():
        if value == "":
            raise InvalidQuery(f"{name}: must not be empty")
    require_shown(order, masking.names(inspection.config().inspector.mask))
    wanted = Wanted(order.source, order.type, order.event, order.user, order.message_id)
    selection = Selection(wanted, moment("since", order.since or ""), moment("until", order.until or ""))
    with writing(inspection, order.sink) as state:
        spans = find_spans(state, inspection.journal, order.sink, selection)
        if order.dry_run or not spans:
            return count_events(
                inspection.config(), inspection.journal, order.sink, selection, spans, _MAX_SECONDS
            )
        return to_fields(state.jobs.replay(order.sink, selection, spans, order.rate or 0.0))


def cancel(inspection: Inspection, id: int) -> Replay:
    """End a replay that is still running; what it has sent stays sent. Raises NotFound, StateUnavailable."""
    with closing(State.open(inspection.state, inspection.home.journal)) as state:
        find(state, id)
        state.jobs.finish(id, "cancelled")
        return to_fields(find(state, id))


def find(state: State, id: int) -> Job:
    """Return the job of a replay. Raises NotFound and StateUnavailable."""
    job = state.jobs.read(id)
    if job is None or job.kind != "replay":
        raise NotFound(f"there is no replay {id}")
    return job


def find_spans(state: State, journal: Log, sink: str, selection: Selection) -> dict[str, Span]:
    """Return the ranges of the journal to replay: only what live delivery has passed."""
    passed = state.progress(sink)
    spans = {}
    with report.readers(journal) as readers:
        for partition, reader in readers.items():
            if partition in passed:
                first = reader.oldest() if selection.since is None else reader.seek(selection.since / 1000)
                end = reader.newest() if selection.until is None else reader.seek(selection.until / 1000)
                spans[partition] = Span(
                    max(first, reader.oldest()), min(end, passed[partition].position.number)
                )
    return {partition: span for partition, span in spans.items() if span.next < span.end}


def count_events(
    config: Config,
    journal: Log,
    sink: str,
    selection: Selection,
    spans: dict[str, Span],
    seconds: float = math.inf,
) -> Counted:
    """Count the events that a replay would send, taking at most about `seconds`. Raises OSError."""
    home = Home(config.journal.path, config.state.url)
    preparation = Preparation(sink, config.sinks[sink], Enricher(home.products))
    end = time.monotonic() + seconds
    events = 0
    for partition, span in spans.items():
        for start in range(span.next, span.end, _COUNTED_AT_ONCE):
            if time.monotonic() > end:
                return Counted(sink, events, partial=True)
            part = Span(start, min(start + _COUNTED_AT_ONCE, span.end))
            events += count(journal, partition, part, selection, preparation)
    return Counted(sink, events)


def progress(job: Job) -> int:
    """Return the number of a job's events that have been handled."""
    if job.kind == "replay":
        return job.events - sum(max(0, span.end - span.next) for span in job.positions.values())
    return job.sent + job.refused


def to_fields(job: Job) -> Replay:
    """Return a replay for programs and pages."""
    selection = job.selection
    wanted = msgspec.structs.asdict(selection.wanted)
    return Replay(
        id=job.id,
        sink=job.sink,
        state=job.state,
        events=job.events,
        sent=job.sent,
        refused=job.refused,
        progress=round(progress(job) / max(1, job.events), 4),
        created_at=timestamps.write(job.created_at),
        since=None if selection.since is None else timestamps.write(selection.since),
        until=None if selection.until is None else timestamps.write(selection.until),
        filters={name: value for name, value in wanted.items() if value is not None},
    )
