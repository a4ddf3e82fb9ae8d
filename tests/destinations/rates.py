"""A vendor that takes only so many requests in a time, and an event loop that need not wait for time."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import anyio
from yarl import URL

from gateway.sinks.http_client.answers import Answer

_ROUNDING_SECONDS = 1e-6
_MAX_REQUESTS = 100


class Rate(NamedTuple):
    """A rate that a vendor has published."""

    paths: str
    """A regular expression for the addresses that are counted together."""
    requests: int
    seconds: float

    def shortened(self) -> "Rate":
        """Return the same in a time of at most 100 requests, which is stricter, and sooner broken."""
        share = -(-self.requests // _MAX_REQUESTS)
        return Rate(self.paths, self.requests // share, self.seconds / share)


class Vendor:
    """Stands for a sink's HTTP client: answers 429 to requests that break a rate, and `status` to others."""

    def __init__(self, rates: Sequence[Rate], status: int) -> None:
        self.requests = 0
        self._status = status
        self._taken: dict[Rate, list[float]] = {rate.shortened(): [] for rate in rates}

    async def send(self, method: str, url: URL, headers: Mapping[str, str], body: bytes, **_: Any) -> Answer:
        now = anyio.current_time()
        counted = [(rate, taken) for rate, taken in self._taken.items() if re.fullmatch(rate.paths, url.path)]
        assert counted
        for rate, taken in counted:
            first = taken[-rate.requests] if len(taken) >= rate.requests else float("-inf")
            if now - first < rate.seconds - _ROUNDING_SECONDS:
                return Answer("vendor.example", 429, {}, b"")
        for _rate, taken in counted:
            taken.append(now)
        self.requests += 1
        return Answer("vendor.example", self._status, {}, b"")


class Leap(asyncio.SelectorEventLoop):
    """An event loop that leaps to the next moment for which something is planned as soon as it would wait."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio.BaseEventLoop has them
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]
