"""Deliveries over time: per sink and minute, by event name, outcome and reason."""

import time

import msgspec

from gateway import masking
from gateway.diagnostics import minutes
from gateway.diagnostics.minutes import Minute
from gateway.diagnostics.shapes import DELIVERIES
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.filters import moment
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

_MINUTE_MS = 60_000
_MAX_INTERVALS = 5000


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """
    Events of one name with one outcome.

    The sum over all names is exact. In a backlog, whose batches have more than 500 events, the counts of
    single names are estimated from a sample.
    """

    outcome: str
    """delivered, filtered, duplicate, dead, skipped or replayed."""
    reason: str
    """delivered: "" at the first attempt, "retry" later; filtered: the filter; dead: the code."""
    type: str
    event: str
    """ "" for types without a name; if the type is "" too, all names beyond the limit, together."""
    events: int


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that failed for one reason, and were or will be retried."""

    error: str
    """ "" for all errors beyond the limit, together."""
    attempts: int
    events: int
    """The events in all these attempts."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """What one sink did in some interval."""

    at: str
    """Its start; ISO-8601 UTC."""
    outcomes: list[Outcomes]
    attempts: int
    """Attempts to connect, or to write a batch."""
    retries: int
    """The attempts that failed."""
    milliseconds: int
    """The total time of all attempts."""
    slowest_milliseconds: int
    failures: list[Failure]

    @property
    def delivered(self) -> int:
        """The number of events that the sink has got."""
        return sum(each.events for each in self.outcomes if each.outcome == "delivered")

    @property
    def dead(self) -> int:
        """The number of events that became dead letters."""
        return sum(each.events for each in self.outcomes if each.outcome == "dead")


def deliveries(
    inspection: Inspection, sink: str, since: str, until: str = "", step_seconds: int = 60
) -> list[Interval]:
    """
    Return the intervals between two times in which something happened, the oldest first.

    The times are ISO-8601, or ages such as "24h". `step_seconds` is a multiple of 60; the intervals start at
    multiples of it since 1970. The last second may be missing. Raises InvalidQuery, also for more than 5,000
    intervals, and StateUnavailable.
    """
    step = step_seconds // 60
    if step < 1 or step_seconds % 60:
        raise InvalidQuery(f"step: expected a multiple of 60 seconds, got {step_seconds}")
    first = (moment("since", since) or 0) // _MINUTE_MS
    end = -(-(moment("until", until) or time.time_ns() // 1_000_000) // _MINUTE_MS)
    by_start: dict[int, list[bytes]] = {}
    for minute, found in fetch(inspection.home.diagnostics, DELIVERIES, *_select(sink, first, end, step)):
        by_start.setdefault(minute // step * step, []).append(found)
    if len(by_start) > _MAX_INTERVALS:
        raise InvalidQuery(f"step: with {step_seconds} there are more than {_MAX_INTERVALS} intervals")
    hidden = masking.KEYS | masking.names(inspection.config().inspector.mask)
    return [_interval(start, minutes.merged(found), hidden) for start, found in by_start.items()]


def _select(sink: str, first: int, end: int, step: int) -> tuple[str, list[object]]:
    """Return a query for all rows from one minute to another; for whole hours, the rows of their sums."""
    whole = (-(-first // 60) * 60, end // 60 * 60)
    if step % 60 or whole[0] >= whole[1]:
        ranges = [(1, first, end)]
    else:
        ranges = [(1, first, whole[0]), (60, *whole), (1, whole[1], end)]
    condition = " OR ".join("(minutes = ? AND minute >= ? AND minute < ?)" for _ in ranges)
    statement = f"SELECT minute, found FROM minutes WHERE sink = ? AND ({condition}) ORDER BY minute"  # noqa: S608
    return statement, [sink, *(value for each in ranges for value in each)]


def _interval(start: int, found: Minute, hidden: frozenset[str]) -> Interval:
    return Interval(
        at=timestamps.write(start * _MINUTE_MS),
        outcomes=[
            Outcomes(outcome=outcome, reason=reason, type=type, event=event, events=events)
            for outcome, reasons in found.outcomes.items()
            for reason, types in reasons.items()
            for type, by_event in types.items()
            for event, events in by_event.items()
        ],
        attempts=found.attempts,
        retries=found.retries,
        milliseconds=found.milliseconds,
        slowest_milliseconds=found.slowest,
        failures=[
            Failure(
                error=masking.hide_text(error, hidden),
                attempts=failure.attempts,
                events=failure.events,
            )
            for error, failure in found.failures.items()
        ],
    )
