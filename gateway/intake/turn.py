"""
The bound on how long requests wait for each other.

An event loop finds all requests that have arrived meanwhile at once, and processes one after the other. With
more load than the process can bear, the last of them waits for all before it, and whatever arrives during
this turn of the loop waits longer still.
"""

import time
from collections.abc import Callable

from gateway.errors import Overloaded

_MAX_TURN_SECONDS = 0.15
_LARGE_BODY_BYTES = 16 * 1024
"""A smaller one costs hardly more than its refusal, and the sender's second attempt."""


class Turn:
    """The turn of the event loop whose requests are being processed; `call_soon` is the loop's."""

    def __init__(
        self, call_soon: Callable[[Callable[[], None]], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._call_soon = call_soon
        self._clock = clock
        self._began: float | None = None

    def check(self, size: int) -> None:
        """Raise Overloaded if large bodies have been processed for so long that one of `size` must wait."""
        if size < _LARGE_BODY_BYTES:
            return
        now = self._clock()
        if self._began is None:
            self._began = now
            self._call_soon(self._end)
        elif now - self._began > _MAX_TURN_SECONDS:
            raise Overloaded

    def _end(self) -> None:
        self._began = None
