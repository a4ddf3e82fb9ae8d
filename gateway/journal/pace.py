"""The pace of commits: decides from their durations whether the event loop may wait for the next one."""

_FAST_SECONDS = 0.0005  # with a mean below it, the event loop commits
_SLOW_SECONDS = 0.00075  # with a mean above it, the thread commits; between the two, nothing changes
_STALL_SECONDS = 0.002  # one commit that takes longer is reason enough for the thread
_WEIGHT = 1 / 8  # of the latest commit in the mean


class Pace:
    """
    A moving average of how long commits take, with two thresholds, so that it does not flap.

    Commits are slow until proven fast. `fast`, `slow` and `stall` are in seconds.
    """

    def __init__(
        self, fast: float = _FAST_SECONDS, slow: float = _SLOW_SECONDS, stall: float = _STALL_SECONDS
    ) -> None:
        self.is_fast = False
        self._mean = slow
        self._fast, self._slow, self._stall = fast, slow, stall

    def add(self, seconds: float) -> None:
        """Take a commit into account. However long a stall was, a dozen fast commits make up for it."""
        if seconds > self._stall:
            self.is_fast, self._mean = False, max(self._mean, self._slow)
            return
        self._mean += (seconds - self._mean) * _WEIGHT
        if self._mean < self._fast:
            self.is_fast = True
        elif self._mean > self._slow:
            self.is_fast = False
