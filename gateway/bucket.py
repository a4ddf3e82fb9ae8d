"""A token bucket: limits how many events may pass per second."""

import time
from collections.abc import Callable


class Bucket:
    """
    Lets `rate` events a second pass in the long run, and `burst` at once.

    More than `burst` may pass at once if the bucket is full; those behind them wait until it has recovered.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._clock = clock
        self._tokens = self._burst
        self._seen = clock()

    def wait(self, events: int) -> float:
        """Return the seconds until this many events may pass together; 0 if they may now."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate)
        self._seen = now
        return max(0.0, (min(events, self._burst) - self._tokens) / self._rate)

    def take(self, events: int) -> None:
        """Let events pass."""
        self._tokens -= events
