"""A gateway at half of its capacity for long: whether memory, descriptors, disk or latencies creep up."""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.bench import events, open_loop, pinned, wrk
from tests.bench.configs import config
from tests.bench.open_loop import Latencies
from tests.bench.options import Options
from tests.bench.table import Row
from tests.gateway import Gateway

PROGRAMS = (open_loop.COMPILER, "wrk")
_SLICE_SECONDS = 60
_WARM_UP = 5  # an nth of the time in which memory still grows, as buffers and files find their sizes
_JOURNAL = '[journal]\nkeep = "1m"\nmax_size = "2GB"\n'


class Sample(NamedTuple):
    """The state of the gateway after a slice of the load."""

    events: int
    """Sent so far."""
    megabytes: dict[str, float]
    """Resident, by process."""
    descriptors: dict[str, int]
    journal_megabytes: float
    latencies: Latencies


def measure(options: Options) -> Iterator[Row]:
    program = open_loop.build(options.folder)
    path, body = events.DIALECTS[0].single, events.single()
    slices = max(2, options.minutes * 60 // _SLICE_SECONDS)
    with pinned.gateway(options.folder, config({"null": "null"}) + _JOURNAL) as gateway:
        alone = wrk.load(pinned.intake(gateway), path, body, options.seconds, options.folder)
        rate = round(1e6 / alone.wall / 2)
        samples = []
        for number in range(1, slices + 1):
            found = open_loop.run(program, gateway.port, path, events.single(), rate, _SLICE_SECONDS)
            samples.append(_look(gateway, number * rate * _SLICE_SECONDS, found))
    yield from _rows(rate, samples)


def _look(gateway: Gateway, sent: int, latencies: Latencies) -> Sample:
    found = gateway.metrics()

    def by_process(name: str) -> dict[str, float]:
        start = f'{name}{{process="'
        return {each[len(start) : -2]: value for each, value in found.items() if each.startswith(start)}

    memory = by_process("gateway_process_resident_memory_bytes")
    descriptors = by_process("gateway_process_open_fds")
    return Sample(
        sent,
        {name: size / 1e6 for name, size in memory.items()},
        {name: int(count) for name, count in descriptors.items()},
        found["gateway_journal_bytes"] / 1e6,
        latencies,
    )


def _rows(rate: int, samples: Sequence[Sample]) -> Iterator[Row]:
    warm = samples[len(samples) // _WARM_UP :]
    first, last = warm[0], samples[-1]
    yield Row(f"{rate:,} single events/s, half of the capacity, {last.events:,} in all")
    millions = [sample.events / 1e6 for sample in warm]
    for name in last.megabytes:
        slope, _ = statistics.linear_regression(millions, [sample.megabytes[name] for sample in warm])
        yield Row(
            f"  {name}: memory, descriptors",
            wall=f"{last.megabytes[name]:.0f} MB, {last.descriptors[name]}",
            ratio=f"{slope:+.2f} MB a million",
            goal="≤ 1 MB a million",
        )
    failed = sum(sample.latencies.failed for sample in samples)
    yield Row("  not answered with 200", wall=f"{failed:,}", goal="0")
    yield Row(
        "  p99, first and last minute",
        wall=f"{first.latencies.p99:.1f}, {last.latencies.p99:.1f} ms",
        ratio=f"{last.latencies.p99 / first.latencies.p99:.2f}",
        goal="≤ 1.1",
    )
    yield Row("  journal", wall=f"{last.journal_megabytes:,.0f} MB", goal="≤ 2 GB")
