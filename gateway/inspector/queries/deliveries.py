"""Deliveries over time: per sink and minute, by event name, outcome and reason."""

import msgspec

from gateway.inspector.queries.inspection import Inspection


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one name with one outcome."""

    outcome: str
    """delivered, filtered, duplicate, dead, skipped or replayed."""
    reason: str
    """delivered: "" at the first attempt, "retry" later; filtered: the filter; dead: the code."""
    type: str
    event: str
    """ "" for types without a name; with type "", the names beyond the most that are told apart."""
    events: int


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that failed for one reason, and were or will be repeated."""

    error: str
    attempts: int
    events: int
    """In these attempts together."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Some time of one sink."""

    at: str
    """Its start; ISO-8601 UTC."""
    outcomes: list[Outcomes]
    attempts: int
    """Batches written, or tried."""
    retries: int
    """Those of them that failed and are repeated."""
    milliseconds: int
    """That all attempts took together."""
    slowest_milliseconds: int
    failures: list[Failure]

    @property
    def delivered(self) -> int:
        return sum(each.events for each in self.outcomes if each.outcome == "delivered")

    @property
    def dead(self) -> int:
        return sum(each.events for each in self.outcomes if each.outcome == "dead")


def deliveries(
    inspection: Inspection, sink: str, since: str, until: str = "", step_seconds: int = 60
) -> list[Interval]:
    """
    Return the intervals between two ISO-8601 times in which something happened, the oldest first.

    `step_seconds` is a multiple of 60. Raises InvalidQuery for more than 5,000 intervals.
    """
    raise NotImplementedError
