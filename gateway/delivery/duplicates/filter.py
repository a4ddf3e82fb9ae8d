"""A Bloom filter that grows: it tells which keys are certainly new, without looking into the index."""

from collections.abc import Collection, Iterable, Sequence

from rbloom import Bloom

MIN_KEYS = 1_000_000
"""The smallest size of a filter: 1.2 MB with 1 % of false positives."""

_GROWTH = 4


class Filter:
    """
    A set of keys, in little more than a byte per key, which may contain keys that were never added.

    `expected` is the number of keys for which the rate of `false_positives` holds in one filter; with more
    keys, larger ones are added to it. Not thread-safe.
    """

    def __init__(self, expected: int, false_positives: float) -> None:
        self.count = 0
        """Number of added keys."""
        self._false_positives = false_positives
        self._size = max(expected, MIN_KEYS)
        self._room = self._size
        self._blooms = [Bloom(self._size, false_positives)]

    def add(self, keys: Collection[bytes]) -> None:
        """Add keys. May be repeated."""
        if self._room < len(keys):
            self._size = max(self._size * _GROWTH, len(keys))
            self._room = self._size
            self._blooms.append(Bloom(self._size, self._false_positives))
        self._blooms[-1].update(keys)
        self._room -= len(keys)
        self.count += len(keys)

    def load(self, keys: Iterable[bytes], count: int) -> None:
        """Add about `count` keys, for which the filter must have been created."""
        self._blooms[-1].update(keys)
        self._room -= count
        self.count += count

    def possible(self, keys: Sequence[bytes]) -> list[bytes]:
        """Return the keys that may have been added; all others certainly were not."""
        return [key for bloom in self._blooms for key in keys if key in bloom]
