"""The filter: it may take a new key for an old one, and never an old one for a new one."""

import pytest

from gateway.delivery.duplicates.filter import MIN_KEYS, Filter


def keys(start: int, end: int) -> list[bytes]:
    return [b"%016d" % number for number in range(start, end)]


@pytest.mark.parametrize("false_positives", [0.02, 0.5, 0.99])
def test_what_was_added_is_possible(false_positives: float) -> None:
    filter = Filter(0, false_positives)
    added = keys(0, 20_000)

    for start in range(0, 20_000, 2000):
        filter.add(added[start : start + 2000])

    assert set(filter.possible(added)) == set(added)
    assert filter.count == 20_000


def test_few_new_keys_are_possible() -> None:
    filter = Filter(0, 0.02)
    filter.add(keys(0, 200_000))

    assert len(filter.possible(keys(10**6, 10**6 + 10_000))) < 500


def test_a_filter_that_grows_beyond_its_size_keeps_its_rate() -> None:
    filter = Filter(0, 0.02)
    for start in range(0, MIN_KEYS + 100_000, 50_000):
        filter.add(keys(start, start + 50_000))

    new = keys(10**9, 10**9 + 10_000)

    assert set(filter.possible(keys(0, 10))) == set(keys(0, 10))
    assert len(filter.possible(new)) < 1000


def test_a_batch_larger_than_the_filter_finds_room() -> None:
    filter = Filter(0, 0.02)
    filter.add(keys(0, 1))

    filter.add(keys(1, MIN_KEYS + 50_000))

    assert len(filter.possible(keys(10**9, 10**9 + 10_000))) < 1000


def test_an_empty_filter_holds_nothing() -> None:
    assert Filter(0, 0.02).possible(keys(0, 1000)) == []
