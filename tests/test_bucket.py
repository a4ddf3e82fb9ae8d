"""The token bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bucket import Bucket


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_at_once_and_the_next_event_waits() -> None:
    bucket = Bucket(10, 5, Clock())

    assert bucket.wait(5) == 0
    bucket.take(5)

    assert bucket.wait(1) == pytest.approx(0.1)


def test_events_pass_again_after_the_time_that_was_told() -> None:
    clock = Clock()
    bucket = Bucket(10, 5, clock)
    bucket.take(5)

    clock.now += bucket.wait(3)

    assert bucket.wait(3) == pytest.approx(0)


def test_waiting_takes_nothing() -> None:
    bucket = Bucket(10, 5, Clock())
    bucket.take(5)

    assert bucket.wait(2) == bucket.wait(2)


def test_more_events_than_a_burst_pass_if_the_bucket_is_full_and_are_paid_for_later() -> None:
    clock = Clock()
    bucket = Bucket(10, 5, clock)

    assert bucket.wait(100) == 0
    bucket.take(100)

    assert bucket.wait(1) == pytest.approx(9.6)
    assert bucket.wait(100) == pytest.approx(10)


def test_a_long_pause_fills_it_no_further_than_a_burst() -> None:
    clock = Clock()
    bucket = Bucket(10, 5, clock)

    clock.now += 3600
    bucket.wait(1)
    bucket.take(5)

    assert bucket.wait(1) > 0


def test_a_share_of_less_than_one_event_lets_single_events_pass() -> None:
    bucket = Bucket(0.1, 0.1, Clock())

    assert bucket.wait(1) == 0
    bucket.take(1)

    assert bucket.wait(1) == pytest.approx(10)


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 100),
    largest=st.integers(1, 200),
    gaps=st.lists(st.floats(0, 5), max_size=50),
)
def test_no_more_than_the_rate_and_one_burst_pass(
    rate: float, burst: int, largest: int, gaps: list[float]
) -> None:
    clock = Clock()
    bucket = Bucket(rate, burst, clock)
    passed = 0

    for gap in gaps:
        clock.now += gap
        if not bucket.wait(largest):
            bucket.take(largest)
            passed += largest

    assert passed <= rate * sum(gaps) + burst + max(burst, largest) + 1e-6
