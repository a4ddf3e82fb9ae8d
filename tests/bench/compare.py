"""The gateway beside a ceiling that was measured in turns with it, as rows of the table."""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.bench.table import Row
from tests.bench.wrk import Sample


class Pair(NamedTuple):
    """What one round found."""

    ceiling: Sample
    gateway: Sample


def rows(
    work: str, pairs: Sequence[Pair], *, as_rate: bool = False, goal: str = "", cpu_goal: str = ""
) -> Iterator[Row]:
    """
    Yield a row for the wall time, medians of the rounds, and one for the CPU time, minima of the rounds.

    With `as_rate` the wall time is said as how many there are in a second, and so is its ratio.
    """
    walls = [statistics.median(each) for each in zip(*((a.wall, b.wall) for a, b in pairs), strict=True)]
    ratio = statistics.median(each.gateway.wall / each.ceiling.wall for each in pairs)
    texts = [f"{1e6 / wall:,.0f}/s" if as_rate else f"{wall:.2f} µs" for wall in walls]
    yield Row(work, texts[0], texts[1], "", f"{1 / ratio if as_rate else ratio:.2f}", goal)
    its, ours = (min(each) for each in zip(*((a.cpu, b.cpu) for a, b in pairs), strict=True))
    yield Row("  CPU", f"{its:.2f} µs", "", f"{ours:.2f} µs", f"{ours / its:.2f}", cpu_goal)


def walls_of(pairs: Sequence[Pair], others: Sequence[Pair]) -> float:
    """The time that the gateway took for one work as a share of that for another, in the same rounds."""
    return statistics.median(a.gateway.wall / b.gateway.wall for a, b in zip(pairs, others, strict=True))
