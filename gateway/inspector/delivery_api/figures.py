"""Sums of deliveries: successes at once and after a retry, rejected events, and errors."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from gateway.inspector.delivery_api.period import MINUTE_MS, Period
from gateway.inspector.queries.deliveries import Interval, deliveries
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

ERROR_CODES = frozenset(("expired", "internal_error", "damaged"))
"""Codes of dead letters for which the form of the event is not to blame."""

_MINUTES_AT_ONCE = 4000


class Figures(NamedTuple):
    """Events by what became of them."""

    immediate: int = 0
    retry: int = 0
    rejected: int = 0
    error: int = 0

    @property
    def success(self) -> int:
        return self.immediate + self.retry

    @property
    def fail(self) -> int:
        return self.rejected + self.error

    @property
    def total(self) -> int:
        return self.success + self.fail

    def plus(self, other: "Figures") -> "Figures":
        """Return the sums of both."""
        return Figures(*(one + another for one, another in zip(self, other, strict=True)))


def intervals(inspection: Inspection, sink: str, period: Period) -> Iterator[tuple[int, Interval]]:
    """Yield the minutes of a period in which something happened, each with its start."""
    for first in range(period.start, period.end, _MINUTES_AT_ONCE * MINUTE_MS):
        end = min(first + _MINUTES_AT_ONCE * MINUTE_MS, period.end)
        for interval in deliveries(inspection, sink, timestamps.write(first), timestamps.write(end)):
            at = timestamps.read(interval.at)
            if first <= at < end:
                yield at, interval


def sums(inspection: Inspection, sink: str, period: Period) -> dict[int, Figures]:
    """Return the figures of each step of a period, by the step's start."""
    found = dict.fromkeys(period.points, Figures())
    for at, interval in intervals(inspection, sink, period):
        step = at // period.granularity * period.granularity
        found[step] = found[step].plus(_figures(interval))
    return found


def total(steps: dict[int, Figures]) -> Figures:
    """Return the sum of all steps."""
    found = Figures()
    for each in steps.values():
        found = found.plus(each)
    return found


def increase_rate(now: int, before: int) -> float | None:
    """Return the change in percent, to two decimals; None if there was nothing before."""
    return round(100 * (now - before) / before, 2) if before else None


def _figures(interval: Interval) -> Figures:
    counts: Counter[str] = Counter()
    for each in interval.outcomes:
        if each.outcome == "delivered":
            counts["retry" if each.reason else "immediate"] += each.events
        elif each.outcome == "dead":
            counts["error" if each.reason in ERROR_CODES else "rejected"] += each.events
    return Figures(**counts)
