"""The pace of commits: the loop makes them while they are fast, and waits for more where that is of use."""

import pytest

from gateway.journal.pace import Pace, Patience

FAST, BETWEEN, SLOW, STALL = 0.001, 0.003, 0.006, 0.02


def make() -> Pace:
    return Pace(fast=0.002, slow=0.004, stall=0.01)


def after(*series: tuple[int, float]) -> list[bool]:
    """Return for each series of commits, given by number and seconds, whether they are fast at its end."""
    pace, found = make(), []
    for number, seconds in series:
        for _ in range(number):
            pace.add(seconds)
        found.append(pace.is_fast)
    return found


def test_commits_are_slow_until_a_series_was_fast() -> None:
    assert not make().is_fast
    assert after((1, FAST), (99, FAST)) == [False, True]


def test_one_stall_is_enough_for_commits_to_be_slow() -> None:
    assert after((100, FAST), (1, STALL)) == [True, False]


def test_commits_are_fast_again_soon_after_a_stall_however_long_it_was() -> None:
    assert after((100, FAST), (1, 1000 * STALL), (12, FAST)) == [True, False, True]


def test_one_slow_commit_does_not_matter_and_a_series_does() -> None:
    assert after((100, FAST), (1, SLOW), (99, SLOW)) == [True, True, False]


@pytest.mark.parametrize("before", [pytest.param(FAST, id="fast"), pytest.param(SLOW, id="slow")])
def test_between_the_thresholds_nothing_changes(before: float) -> None:
    first, *later = after((100, before), (1, BETWEEN), (100, BETWEEN))

    assert later == [first, first]


def test_stalls_between_fast_commits_keep_them_slow() -> None:
    assert not any(after(*[(1, STALL), (2, FAST)] * 50))


def waits(*rewards: bool) -> int:
    """Return how many of 100 commits wait after waits of which some were rewarded."""
    patience = Patience()
    for is_rewarded in rewards:
        patience.add(is_rewarded=is_rewarded)
    return sum(patience.has_some() for _ in range(100))


def test_a_commit_waits_while_that_brings_more_events() -> None:
    assert waits(*[True] * 10) == 100
    assert waits(*[True] * 10, False, True, False) == 100


def test_where_waiting_is_in_vain_it_is_tried_now_and_then() -> None:
    assert waits() == 1
    assert waits(*[True] * 10, *[False] * 10) == 1
