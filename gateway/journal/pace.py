"""The pace of commits: decides from past ones whether the event loop makes the next one, and how soon."""

_FAST_SECONDS = 0.0005  # with a lower mean, the event loop commits
_SLOW_SECONDS = 0.00075  # with a higher mean, the thread commits; between the two, nothing changes
_STALL_SECONDS = 0.002  # one longer commit is enough to switch to the thread
_WEIGHT = 1 / 8  # the weight of the latest commit in the mean


class Pace:
    """
    A moving average of how long commits take, with two thresholds to avoid flapping.

    Commits are slow until proven fast. `fast`, `slow` and `stall` are in seconds.
    """

    def __init__(
        self, fast: float = _FAST_SECONDS, slow: float = _SLOW_SECONDS, stall: float = _STALL_SECONDS
    ) -> None:
        self.is_fast = False
        self._mean = slow
        self._fast, self._slow, self._stall = fast, slow, stall

    def add(self, seconds: float) -> None:
        """Take a commit into account. A dozen fast commits make up for a stall of any length."""
        if seconds > self._stall:
            self.is_fast, self._mean = False, max(self._mean, self._slow)
            return
        self._mean += (seconds - self._mean) * _WEIGHT
        if self._mean < self._fast:
            self.is_fast = True
        elif self._mean > self._slow:
            self.is_fast = False


_WORTH_IT = 0.5  # the fraction of waits that must bring something
_COMMITS_A_TRIAL = 64
_MEMORY = 1 / 8  # the weight of the last wait


class Patience:
    """
    Decides whether a small commit waits for more events: it does as long as most waits bring some.

    Then independent clients share a commit, which takes far more time than an event. A client that sends its
    next event only after the last answer would wait in vain, so waiting is only tried now and then.
    """

    def __init__(self) -> None:
        self._worth = 0.0
        self._commits = 0

    def has_some(self) -> bool:
        """Return whether the next small commit waits."""
        self._commits += 1
        return self._worth >= _WORTH_IT or self._commits % _COMMITS_A_TRIAL == 0

    def add(self, *, is_rewarded: bool) -> None:
        """Take a wait into account."""
        self._worth += _MEMORY * (is_rewarded - self._worth)
