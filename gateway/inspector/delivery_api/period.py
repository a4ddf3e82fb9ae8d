"""The period that a call asks about."""

import time
from collections.abc import Mapping

import msgspec

from gateway.inspector.queries.errors import InvalidQuery
from gateway.raw import timestamps

MINUTE_MS = 60_000
DAY_MS = 86_400_000
KEPT_DAYS = 30

_HOUR_MS = 3_600_000
_MAX_POINTS = 5000
_MAX_DIGITS = 15


class Period(msgspec.Struct, frozen=True):
    """A period, and the steps in which it is shown; all in milliseconds, times since 1970."""

    start: int
    """A whole minute, like `end`, which is exclusive."""
    end: int
    granularity: int

    @property
    def before(self) -> "Period":
        """The period of the same length before this one."""
        return Period(2 * self.start - self.end, self.start, self.granularity)

    @property
    def points(self) -> range:
        """The starts of the steps; steps start at multiples of the granularity since 1970."""
        return range(self.start // self.granularity * self.granularity, self.end, self.granularity)


def read(given: Mapping[str, str], now: float | None = None) -> Period:
    """
    Return the period given by `start`, `end` and `granularity`; the default is the last 24 hours.

    It starts and ends at whole minutes, since deliveries are counted by the minute. Raises InvalidQuery.
    """
    present = int((time.time() if now is None else now) * 1000)
    end = -(-_moment(given, "end", present) // MINUTE_MS) * MINUTE_MS
    start = _moment(given, "start", end - DAY_MS) // MINUTE_MS * MINUTE_MS
    if start >= end:
        raise InvalidQuery("start must be before end")
    if end - start > KEPT_DAYS * DAY_MS + DAY_MS:
        raise InvalidQuery(f"deliveries are kept for {KEPT_DAYS} days; choose a shorter period")
    length = end - start
    usual = MINUTE_MS if length <= _HOUR_MS else _HOUR_MS if length <= DAY_MS else DAY_MS
    granularity = _milliseconds(given.get("granularity"), usual)
    if length // granularity > _MAX_POINTS:
        raise InvalidQuery(f"granularity: more than {_MAX_POINTS} steps")
    return Period(start, end, granularity)


def last_days(now: float | None = None) -> Period:
    """Return the last 30 days, today included."""
    present = int((time.time() if now is None else now) * 1000)
    end = (present // DAY_MS + 1) * DAY_MS
    return Period(end - KEPT_DAYS * DAY_MS, end, DAY_MS)


def _moment(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    try:
        return timestamps.read(text)
    except ValueError:
        raise InvalidQuery(f"{name}: expected ISO-8601, got {text[:50]!r}") from None


def _milliseconds(text: str | None, default: int) -> int:
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        found = int(text)
        if found and found % MINUTE_MS == 0:
            return found
    raise InvalidQuery(f"granularity: expected a multiple of {MINUTE_MS} milliseconds, got {text[:20]!r}")
