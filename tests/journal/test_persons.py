"""The partition of a person never changes; it is documented, so that others can compute it."""

from collections import Counter

import pytest

from gateway.journal import persons


@pytest.mark.parametrize(
    ("source", "person", "expected"),
    [
        pytest.param("website", "u1", 1, id="ASCII"),
        pytest.param("website", "grüße", 3, id="other letters"),
        pytest.param("website", "\ud800", 7, id="half a surrogate pair"),
    ],
)
def test_the_partition_is_the_same_for_ever(source: str, person: str, expected: int) -> None:
    assert persons.partition(source, person, 8) == expected


def test_people_are_spread_evenly() -> None:
    counts = Counter(persons.partition("website", f"user-{number}", 8) for number in range(8000))

    assert sorted(counts) == list(range(8))
    assert max(counts.values()) < 1.2 * min(counts.values())
