"""How long to wait before the next try."""

from collections.abc import Iterator
from random import random


def delays(first: float = 0.5, longest: float = 60.0) -> Iterator[float]:
    """Seconds: doubling up to `longest`, each shortened at random so that nobody keeps step with others."""
    wait = first
    while True:
        yield wait * random()  # noqa: S311  # nobody gains by guessing it
        wait = min(wait * 2, longest)
