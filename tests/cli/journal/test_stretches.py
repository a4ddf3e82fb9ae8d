"""The order in which a journal is copied: what each sink has had comes first."""

import pytest

from gateway.cli.journal.stretches import arrange
from gateway.errors import ConfigError


def arranged(
    partitions: dict[str, tuple[int, int]], positions: dict[str, dict[str, int]]
) -> list[tuple[str, int, int, str]]:
    return [
        (each.partition, each.first, each.end, " ".join(sorted(each.sinks)))
        for each in arrange(partitions, positions)
    ]


def test_what_all_sinks_have_comes_before_what_is_pending() -> None:
    found = arranged({"0": (0, 9), "1": (0, 5)}, {"a": {"0": 9, "1": 5}, "b": {"0": 4, "1": 5}})

    assert found == [("0", 0, 4, "a b"), ("1", 0, 5, "a b"), ("0", 4, 9, "a")]


def test_events_that_are_no_longer_kept_are_left_out() -> None:
    assert arranged({"0": (3, 9)}, {"a": {"0": 1}}) == [("0", 3, 9, "")]


def test_a_sink_without_a_position_has_had_nothing() -> None:
    assert arranged({"0": (0, 9)}, {"a": {"0": 9}, "b": {}}) == [("0", 0, 9, "a")]


def test_an_empty_partition_has_no_stretch() -> None:
    assert arranged({"0": (4, 4)}, {"a": {"0": 4}}) == []


def test_two_sinks_that_are_each_ahead_of_the_other_cannot_both_keep_their_positions() -> None:
    with pytest.raises(ConfigError, match="sinks b and a have each had events that the other has yet to get"):
        arrange({"0": (0, 9), "1": (0, 9)}, {"a": {"0": 9, "1": 4}, "b": {"0": 4, "1": 9}})
