"""How fast a sink writes batches, beside its target's driver alone, in turns."""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

from gateway.sinks.base import Batch
from tests.bench import journal
from tests.bench.options import Options
from tests.bench.table import Row

Write = Callable[[Batch], Awaitable[Any]]


class Written(NamedTuple):
    rate: float
    """Events a second."""
    cpu: float
    """Microseconds of this process for each event; a server's come on top."""


def batches(size: int) -> Iterator[Batch]:
    """Yield batches of so many events without end."""
    lines = journal.Lines()
    for first in count(0, size):
        data = b"\n".join((*lines.take(size), b""))
        yield Batch("bench", "0", first, first + size, range(first, first + size), data)


async def compare(
    options: Options, size: int, plain: Write, sink: Write
) -> tuple[list[Written], list[Written]]:
    """Return what the driver and the sink wrote in each round, in batches of so many events."""
    ceiling, ours, following = [], [], batches(size)
    for _ in range(options.rounds):
        ceiling.append(await _repeat(plain, following, options.seconds))
        ours.append(await _repeat(sink, following, options.seconds))
    return ceiling, ours


async def _repeat(write: Write, following: Iterator[Batch], seconds: float) -> Written:
    """Write batch after batch, and measure nothing but that."""
    number, wall, cpu = 0, 0.0, 0.0
    while wall < seconds:
        batch = next(following)
        start, cpu_start = time.perf_counter(), time.process_time()
        await write(batch)
        wall, cpu = wall + time.perf_counter() - start, cpu + time.process_time() - cpu_start
        number += batch.count
    return Written(number / wall, cpu / number * 1e6)


def row(name: str, ceiling: Sequence[Written], ours: Sequence[Written], goal: str) -> Row:
    most, rate = (statistics.median(each.rate for each in found) for found in (ceiling, ours))
    least, cpu = (min(each.cpu for each in found) for found in (ceiling, ours))
    return Row(
        name, f"{most:,.0f}/s, {least:.1f} µs", f"{rate:,.0f}/s", f"{cpu:.1f} µs", f"{rate / most:.2f}", goal
    )
