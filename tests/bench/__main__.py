"""`python -m tests.bench`: the figures that count, as ratios to ceilings measured in the same run."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

Make = Callable[[], dict[str, Any]]
_DIALECTS: tuple[tuple[str, str, Make], ...] = (
    ("/v1/track", "/v1/batch", events.event),
    ("/events?token=dev", "/events/batch?token=dev", events.commandersact),
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
            for single, batch, make in _DIALECTS:
                _single(folder, bare, gateway, single, make, rounds, seconds)
                _batches(folder, gateway, batch, make, rounds, seconds)
            _settle(gateway)  # or delivery would be at work on the same core
            _enrichment(folder)
            _steady(gateway, seconds * rounds)
            _settle(gateway)
            _idle(gateway)
            _restarts(gateway)


def _single(
    folder: Path, bare: int, gateway: Gateway, path: str, make: Make, rounds: int, seconds: int
) -> None:
    ceilings, ours = [], []
    with _commits(gateway) as sizes:
        for _ in range(rounds):
            ceilings.append(pinned.wrk(bare, path, events.single(make), _CONNECTIONS, seconds, folder))
            ours.append(pinned.wrk(gateway.port, path, events.single(make), _CONNECTIONS, seconds, folder))
    ratio = statistics.median(mine / its for mine, its in zip(ours, ceilings, strict=True))
    name = path.partition("?")[0]
    _row(f"POST {name}, 0.75 KB, 32 connections", _rate(ceilings), _rate(ours), f"{ratio:.2f}", "≥ 0.55")
    _row("  events a commit", "", f"{sizes[0]:.1f}", "", "")


def _batches(folder: Path, gateway: Gateway, path: str, make: Make, rounds: int, seconds: int) -> None:
    ceilings, ours = [], []
    with _commits(gateway) as sizes:
        for _ in range(rounds):
            body = events.batch(_BATCH, make)
            ceilings.append(pinned.ceiling(body) / _BATCH)
            body = events.batch(_BATCH, make)
            rate = pinned.wrk(gateway.port, path, body, _CONNECTIONS, seconds, folder)
            ours.append(1e6 / rate / _BATCH)
    ratio = statistics.median(mine / its for mine, its in zip(ours, ceilings, strict=True))
    its, mine = statistics.median(ceilings), statistics.median(ours)
    _row(
        f"POST {path.partition('?')[0]}, 100 of 0.75 KB, an event",
        f"{its:.2f} µs",
        f"{mine:.2f} µs",
        f"{ratio:.2f}",
        "≤ 2",
    )
    _row("  events a commit", "", f"{sizes[0]:.0f}", "", "")


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
    took = statistics.median(times) / len(lines) * 1e6
    _row("enrichment from a warm cache, an event", "", f"{took:.2f} µs", "", "< 3 µs")


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


def _rate(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f}/s"


def _row(*cells: str) -> None:
    work, its, mine, ratio, goal = cells
    click.echo(f"{work:<44}{its:>16}{mine:>16}{ratio:>8}  {goal}")


if __name__ == "__main__":
    main()
