"""The guard: a target that refuses everything must not empty the journal into the dead letters."""

import time
from collections import deque
from collections.abc import Callable

MAX_PER_MINUTE = 100
MAX_IN_A_ROW = 20

_MINUTE = 60.0


class Guard:
    """Counts the events that one sink refused. Not thread-safe; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=MAX_PER_MINUTE)
        self._in_a_row = 0

    def allows(self) -> bool:
        """Return whether one more event may become a dead letter."""
        full = len(self._recent) == MAX_PER_MINUTE and self._clock() - self._recent[0] < _MINUTE
        return not full and self._in_a_row < MAX_IN_A_ROW

    def refused(self) -> None:
        """Count an event that becomes a dead letter."""
        self._recent.append(self._clock())
        self._in_a_row += 1

    def delivered(self) -> None:
        """Count a delivery, after which the target is known to accept events."""
        self._in_a_row = 0
