"""Refused events: each is counted, and a flood of them is logged when it begins and when it ends."""

import math
from collections import Counter

import structlog

from gateway import metrics
from gateway.errors import JournalUnavailable, Overloaded, RateLimited, Refusal

log = structlog.get_logger()

BUG = "internal_server_error"
"""The code of events that were lost to an exception."""

_FLOOD_EVENTS = 100
"""Events refused within a second that make a flood, unless _FEWEST says otherwise."""
_FEWEST = {
    BUG: 1,
    Overloaded.code: 1,
    RateLimited.code: 1,
    JournalUnavailable.code: math.inf,  # journal/writer.py and journal/publisher.py log it
}
_QUIET_REPORTS = 10
"""Reports with fewer events, after which a flood has ended."""


class Flood:
    """Events that are being refused for one reason."""

    def __init__(self) -> None:
        self.events = 0
        self.quiet = 0


class Refusals:
    """Counts refused events. Not thread-safe."""

    def __init__(self) -> None:
        self._new: Counter[tuple[str, str]] = Counter()
        self._floods: dict[tuple[str, str], Flood] = {}

    def count(self, code: str, events: int, about: str = "") -> bool:
        """Count events; return whether they are the first of a flood. `about` names the source or the bug."""
        metrics.refused(code).add(events)
        key = code, about
        first = key not in self._new and key not in self._floods
        self._new[key] += events
        return first

    def report(self) -> None:
        """Log which floods have begun or ended. To be called every second."""
        for key, events in self._new.items():
            if key not in self._floods and events >= _fewest(key):
                self._floods[key] = Flood()
                log.warning("refusing events", **_named(key), events=events)
        for key, flood in list(self._floods.items()):
            flood.events += self._new[key]
            flood.quiet = 0 if self._new[key] >= _fewest(key) else flood.quiet + 1
            if flood.quiet == _QUIET_REPORTS:
                log.info("refusing events ended", **_named(key), events=flood.events)
                del self._floods[key]
        self._new.clear()


def _fewest(key: tuple[str, str]) -> float:
    return _FEWEST.get(key[0], _FLOOD_EVENTS)


def _named(key: tuple[str, str]) -> dict[str, str]:
    code, about = key
    return {"code": code, **({"about": about} if about else {})}


refusals = Refusals()
"""Of this process."""


def count(refusal: Refusal | type[Refusal], events: int) -> None:
    """Count received events that were not stored."""
    about = refusal.source if isinstance(refusal, RateLimited) else ""
    refusals.count(refusal.code, events, about)
