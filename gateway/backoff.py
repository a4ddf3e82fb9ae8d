"""Exponential back-off with full jitter."""

from collections.abc import Iterator
from random import random


def delays(first: float = 0.5, longest: float = 60.0) -> Iterator[float]:
    """
    Yield delays in seconds, forever: uniform between 0 and a bound that doubles from `first` to `longest`.

    The jitter keeps many clients from retrying at the same moment.
    """
    wait = first
    while True:
        yield wait * random()  # noqa: S311  # not a secret
        wait = min(wait * 2, longest)
