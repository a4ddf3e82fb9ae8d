"""Waiting longer and longer, and never in step with others."""

from itertools import islice

import pytest

from gateway.backoff import delays

MANY = 200
"""So many tries that chance cannot hide a mistake."""


def waits(count: int, **limits: float) -> list[list[float]]:
    """The first waits of many that have begun to wait."""
    return [list(islice(delays(**limits), count)) for _ in range(MANY)]


@pytest.mark.parametrize(("number", "bound"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 5.0), (4, 5.0)], ids=str)
def test_the_bound_doubles_up_to_the_maximum(number: int, bound: float) -> None:
    found = [each[number] for each in waits(5, first=1.0, longest=5.0)]

    assert 0.75 * bound < max(found) <= bound
    assert min(found) >= 0


def test_delays_start_at_zero() -> None:
    found = [each[4] for each in waits(5, first=1.0, longest=5.0)]

    assert min(found) < 0.25 * 5.0


def test_delays_are_jittered() -> None:
    found = [tuple(each) for each in waits(3)]

    assert len(set(found)) == MANY


def test_delays_never_end_and_stay_bounded() -> None:
    found = list(islice(delays(first=0.5, longest=60.0), 5000))

    assert len(found) == 5000
    assert max(found) <= 60.0
