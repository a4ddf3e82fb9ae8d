"""How long answers take at loads well below the limit, beside the bare server under the same load."""

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import cpu, events, open_loop, pinned
from tests.bench.configs import config
from tests.bench.open_loop import Latencies
from tests.bench.options import Options
from tests.bench.pinned import Server
from tests.bench.table import Row
from tests.gateway import Gateway

PROGRAMS = (open_loop.COMPILER,)


class Load(NamedTuple):
    rate: int
    """Events a second."""
    events: int
    """In each request; 1 stands for the route for single events."""
    cpu_goal: str = ""
    """Of the intake."""

    @property
    def name(self) -> str:
        return f"{self.rate:,} events/s, " + (f"in batches of {self.events}" if self.events > 1 else "single")

    def target(self) -> tuple[str, bytes]:
        """The path, and a body whose clock is right for the next seconds."""
        if self.events > 1:
            return events.DIALECTS[0].batch, events.batch(self.events)
        return events.DIALECTS[0].single, events.single()


_LOADS = (Load(2_000, 1, "≤ 20 % of a core"), Load(5_000, 1), Load(10_000, 1), Load(10_000, 20))


class Found(NamedTuple):
    """What one load of one round found."""

    bare: Latencies
    gateway: Latencies
    shares: tuple[float, float]
    """How much of a core the bare server used, and the intake."""
    lag: float
    """Seconds that delivery was behind at the end of the load."""


def measure(options: Options) -> Iterator[Row]:
    folder = options.folder
    program = open_loop.build(folder)
    found: dict[Load, list[Found]] = {load: [] for load in _LOADS}
    with pinned.bare() as bare, pinned.gateway(folder, config({"events": "json_lines"})) as gateway:
        for _ in range(options.rounds):
            for load, results in found.items():
                results.append(_both(program, load, bare, gateway, options.seconds))
    for load, results in found.items():
        yield from _rows(load, results)


def _both(program: Path, load: Load, bare: Server, gateway: Gateway, seconds: int) -> Found:
    def send(server: Server) -> tuple[Latencies, float]:
        begun, before = time.perf_counter(), cpu.seconds(server.pid)
        found = open_loop.run(program, server.port, *load.target(), load.rate / load.events, seconds)
        return found, (cpu.seconds(server.pid) - before) / (time.perf_counter() - begun)

    (its, bare_share), (ours, share) = send(bare), send(pinned.intake(gateway))
    lag = gateway.metrics()['gateway_sink_lag_seconds{sink="events"}']
    return Found(its, ours, (bare_share, share), lag)


def _rows(load: Load, results: Sequence[Found]) -> Iterator[Row]:
    its, ours = (min(each) for each in zip(*(found.shares for found in results), strict=True))
    yield Row(
        f"{load.name}: CPU, least", _percent(its), "", _percent(ours), f"{ours / its:.2f}", load.cpu_goal
    )
    for name, field in (("p50", "p50"), ("p99", "p99"), ("p99.9", "p999")):
        ceilings = [getattr(each.bare, field) for each in results]
        times = [getattr(each.gateway, field) for each in results]
        more = f"{min(times) - min(ceilings):+.1f} ms" if field == "p99" else ""
        goal = "best ≤ bare + 5 ms" if field == "p99" else ""
        yield Row(f"  {name}, best and median", _milliseconds(ceilings), _milliseconds(times), "", more, goal)
    yield Row("  delivery behind at the end, most", wall=f"{max(r.lag for r in results):.2f} s", goal="≤ 1 s")
    failed = [sum(getattr(each, which).failed for each in results) for which in ("bare", "gateway")]
    if any(failed):
        yield Row("  not answered with 200", *(f"{each:,}" for each in failed))


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _milliseconds(values: Sequence[float]) -> str:
    return f"{min(values):.2f}, {statistics.median(values):.2f} ms"
