"""`python -m tests.bench`: the figures that count, as ratios to ceilings measured in the same run."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from gateway.delivery.enrich import Enricher
from gateway.records.table import Record, Table
from tests.bench import events, pinned, steady
from tests.build import event_line
from tests.gateway import Gateway
from tests.journey import faults

_BATCH = 100
_CONNECTIONS = 32
_STEADY_BATCH = 20
_TIMES = 200
_KILLS = 5


class Dialect(NamedTuple):
    single: str
    batch: str
    make: Callable[[], dict[str, Any]]


_DIALECTS = (
    Dialect("/v1/track", "/v1/batch", events.event),
    Dialect("/events?token=dev", "/events/batch?token=dev", events.commandersact),
)


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Alternating rounds; the median counts.")
@click.option("--seconds", default=3, show_default=True, help="For each measurement of a round.")
def main(rounds: int, seconds: int) -> None:
    """Measure the intake alone on one core, with load and delivery on the other."""
    os.sched_setaffinity(0, pinned.REST)
    click.echo(f"{'work':<44}{'ceiling':>16}{'gateway':>16}{'ratio':>8}  goal")
    with tempfile.TemporaryDirectory(dir=".") as name, pinned.bare() as bare:
        folder = Path(name).absolute()
        with pinned.gateway(folder) as gateway:
            _single(folder, bare, gateway, rounds, seconds)
            _batches(folder, gateway, rounds, seconds)
            _settle(gateway)  # or delivery would be at work on the same core
            _enrichment(folder)
            _steady(gateway, seconds * rounds)
            _settle(gateway)
            _idle(gateway)
            _restarts(gateway)


def _single(folder: Path, bare: int, gateway: Gateway, rounds: int, seconds: int) -> None:
    def measure(dialect: Dialect) -> tuple[float, float]:
        body = events.single(dialect.make)
        its, mine = (
            pinned.wrk(port, dialect.single, body, _CONNECTIONS, seconds, folder)
            for port in (bare, gateway.port)
        )
        return its, mine

    with _commits(gateway) as sizes:
        found = [*_in_turns(rounds, measure)]
    for dialect, ceilings, ours, ratio in found:
        name = f"POST {dialect.single.partition('?')[0]}, 0.75 KB, {_CONNECTIONS} connections"
        _row(name, _rate(ceilings), _rate(ours), f"{ratio:.2f}", "≥ 0.55")
    _row("  the last, of the first", "", "", f"{_median_ratio(found[-1].ours, found[0].ours):.2f}", "≥ 0.85")
    _row("  events a commit", "", f"{sizes[0]:.1f}", "", "")


def _batches(folder: Path, gateway: Gateway, rounds: int, seconds: int) -> None:
    def measure(dialect: Dialect) -> tuple[float, float]:
        its = pinned.ceiling(events.batch(_BATCH, dialect.make)) / _BATCH
        body = events.batch(_BATCH, dialect.make)
        rate = pinned.wrk(gateway.port, dialect.batch, body, _CONNECTIONS, seconds, folder)
        return its, 1e6 / rate / _BATCH

    with _commits(gateway) as sizes:
        found = [*_in_turns(rounds, measure)]
    for dialect, ceilings, ours, ratio in found:
        name = f"POST {dialect.batch.partition('?')[0]}, {_BATCH} of 0.75 KB, an event"
        _row(name, _microseconds(ceilings), _microseconds(ours), f"{ratio:.2f}", "≤ 2")
    _row("  the last, of the first", "", "", f"{_median_ratio(found[-1].ours, found[0].ours):.2f}", "≤ 1.15")
    _row("  events a commit", "", f"{sizes[0]:.0f}", "", "")


class Found(NamedTuple):
    """Of one dialect, round by round."""

    dialect: Dialect
    ceilings: list[float]
    ours: list[float]
    ratio: float


def _in_turns(rounds: int, measure: Callable[[Dialect], tuple[float, float]]) -> Iterator[Found]:
    """Measure the dialects in turns: a machine that others slow down does so to all of them."""
    pairs = [[measure(dialect) for dialect in _DIALECTS] for _ in range(rounds)]
    for place, dialect in enumerate(_DIALECTS):
        ceilings, ours = zip(*(each[place] for each in pairs), strict=True)
        yield Found(dialect, [*ceilings], [*ours], _median_ratio(ours, ceilings))


def _median_ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(mine / its for mine, its in zip(ours, others, strict=True))


def _enrichment(folder: Path) -> None:
    """An event with one product of a catalogue, many times."""
    catalogue = Table(folder / "products.db")
    catalogue.merge("29", [Record("P1", b'{"id":"P1","name":"Shirt","brand":"B","category_1":"Tops"}')])
    source = {"name": "shop", "dialect": "segment", "siteId": "29"}
    line = event_line(properties={"items": [{"id": "1", "product": {"id": "P1", "price": 8}}]}, source=source)
    enricher, lines = Enricher(folder / "products.db"), [line] * 1000
    enricher.complete(lines)
    times = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        enricher.complete(lines)
        times.append(time.perf_counter() - started)
    took = min(times) / len(lines) * 1e6  # whatever else goes on in the machine can only add to it
    _row("enrichment from a warm cache, an event, least", "", f"{took:.2f} µs", "", "< 3 µs")


def _steady(gateway: Gateway, seconds: int) -> None:
    body = events.batch(_STEADY_BATCH)
    lags: list[float] = []

    async def run() -> list[float]:
        watching = asyncio.create_task(watch())
        took = await steady.stream(gateway.port, "/v1/batch", lambda: body, 500, seconds, 64)
        watching.cancel()
        return took

    async def watch() -> None:
        while True:
            await asyncio.sleep(0.5)
            found = await asyncio.to_thread(gateway.metrics)
            lags.append(found['gateway_sink_lag_seconds{sink="events"}'])

    with _commits(gateway) as sizes:
        took = asyncio.run(run())
    p50, p99 = took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000
    _row("10,000 events/s in batches of 20: p50, p99", "", f"{p50:.1f}, {p99:.1f} ms", "", "p99 ≤ 25 ms")
    _row("  delivery lag, largest seen", "", f"{max(lags):.2f} s", "", "≤ 1 s")
    _row("  events a commit", "", f"{sizes[0]:.0f}", "", "")


def _idle(gateway: Gateway) -> None:
    pids = {"supervisor": gateway.process.pid, **gateway.children()}
    for name, (cpu, resident) in pinned.idle(pids, 10.0).items():
        _row(f"idle: {name}", "", f"{cpu:.2f} %, {resident:.0f} MB", "", "< 1 %, ≤ 80 MB")


def _restarts(gateway: Gateway) -> None:
    for victim in ("supervisor", *gateway.children()):
        seconds = [faults.kill(gateway, victim) for _ in range(_KILLS)]
        _row(f"ready again after a kill: {victim}", "", f"{statistics.median(seconds):.2f} s", "", "≤ 3 s")


def _settle(gateway: Gateway) -> None:
    """Wait until everything is delivered."""
    while gateway.metrics()['gateway_sink_pending_events{sink="events"}']:
        time.sleep(0.5)


@contextmanager
def _commits(gateway: Gateway) -> Iterator[list[float]]:
    """Events a commit, on the average, in what happens meanwhile."""
    found: list[float] = []
    before = gateway.metrics()
    yield found
    time.sleep(1.5)  # until the counts of the last second are there
    after = gateway.metrics()
    name = "gateway_journal_commit_events"
    made = after[f"{name}_count"] - before.get(f"{name}_count", 0)
    found.append((after[f"{name}_sum"] - before.get(f"{name}_sum", 0)) / max(1, made))


def _rate(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f}/s"


def _microseconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} µs"


def _row(*cells: str) -> None:
    work, its, mine, ratio, goal = cells
    click.echo(f"{work:<44}{its:>16}{mine:>16}{ratio:>8}  {goal}")


if __name__ == "__main__":
    main()
