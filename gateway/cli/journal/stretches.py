"""
The order in which a journal is copied, so that the events a sink has had come before those it has not.

A sink has one position in each partition. In the copy, whose partitions differ, it can have one position in
each only if the events it has had come first in all of them. That is possible for all sinks at once if, of
any two stretches, one has gone to every sink that the other has gone to.
"""

from collections.abc import Mapping
from itertools import pairwise

import msgspec

from gateway.errors import ConfigError


class Stretch(msgspec.Struct, frozen=True):
    """Events of one partition that went to the same sinks."""

    partition: str
    first: int
    end: int
    sinks: frozenset[str]
    """The sinks that have passed its events."""


def arrange(
    partitions: Mapping[str, tuple[int, int]], positions: Mapping[str, Mapping[str, int]]
) -> list[Stretch]:
    """
    Return all events as stretches, in the order in which to copy them.

    `partitions` has the first position and the end of what each partition retains, `positions` the position
    of each sink by partition; a sink without one has passed nothing. Raises ConfigError if there is no such
    order.
    """
    found: list[Stretch] = []
    for partition, (oldest, newest) in partitions.items():
        reached = {
            sink: min(max(places.get(partition, oldest), oldest), newest)
            for sink, places in positions.items()
        }
        for first, end in pairwise(sorted({oldest, newest, *reached.values()})):
            passed = frozenset(sink for sink, place in reached.items() if place >= end)
            found.append(Stretch(partition, first, end, passed))
    found.sort(key=lambda each: (-len(each.sinks), each.partition, each.first))
    for before, after in pairwise(found):
        if not before.sinks >= after.sinks:
            one, other = min(after.sinks - before.sinks), min(before.sinks - after.sinks)
            raise ConfigError(
                f"sinks {one} and {other} have each had events that the other has yet to get, and the copy"
                " can keep the position of only one: let both catch up, or skip what one of them has pending"
            )
    return found
