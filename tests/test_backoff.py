"""Exponential back-off with jitter."""

from itertools import islice

import pytest

from gateway.backoff import delays

MANY = 200
"""Enough samples for reliable statistics."""


def waits(count: int, **limits: float) -> list[list[float]]:
    """Return the first delays of many iterators."""
    return [list(islice(delays(**limits), count)) for _ in range(MANY)]


@pytest.mark.parametrize(("number", "bound"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 5.0), (4, 5.0)], ids=str)
def test_the_bound_doubles_up_to_the_maximum(number: int, bound: float) -> None:
    found = [each[number] for each in waits(5, first=1.0, longest=5.0)]

    assert 0.75 * bound < max(found) <= bound
    assert min(found) >= 0


def test_delays_can_be_much_shorter_than_the_bound() -> None:
    found = [each[4] for each in waits(5, first=1.0, longest=5.0)]

    assert min(found) < 0.25 * 5.0


def test_delays_are_jittered() -> None:
    found = [tuple(each) for each in waits(3)]

    assert len(set(found)) == MANY


def test_delays_never_end_and_stay_bounded() -> None:
    found = list(islice(delays(first=0.5, longest=60.0), 5000))

    assert len(found) == 5000
    assert max(found) <= 60.0
