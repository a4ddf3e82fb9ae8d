"""What a large backlog costs the intake: its start and its load, beside a gateway that has none."""

import fcntl
import shutil
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path

from tests.bench import compare, events, journal, pinned, wrk
from tests.bench.compare import Pair
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.table import Row
from tests.gateway import Gateway, free_ports, until

PROGRAMS = ("wrk",)
_EVENTS = 100  # in a batch


def measure(options: Options) -> Iterator[Row]:
    single, batch = events.DIALECTS[0].single, events.DIALECTS[0].batch
    starts: list[list[float]] = []
    waiting: list[list[int]] = []
    singles: list[Pair] = []
    batches: list[Pair] = []
    with _prepared(options.folder / "with", options.backlog) as full:
        for turn in range(options.rounds):
            # Without a backlog means a new one each time: its sink takes nothing either.
            empty_folder = options.folder / f"without-{turn}"
            with _prepared(empty_folder, 0) as empty, ExitStack() as running:
                gateways = (empty, full)
                starts.append([_start(gateway, running) for gateway in gateways])
                servers = [pinned.intake(gateway) for gateway in gateways]
                for pairs, path, body, size in (
                    (singles, single, events.single(), 1),
                    (batches, batch, events.batch(_EVENTS), _EVENTS),
                ):
                    samples = (
                        wrk.load(each, path, body, options.seconds, options.folder).shared(size)
                        for each in servers
                    )
                    pairs.append(Pair(*samples))
                waiting.append([_pending(gateway) for gateway in gateways])
            shutil.rmtree(empty_folder)
    name = f"backlog of {options.backlog:,} events: "
    without, with_it = (f"{statistics.median(each):.2f} s" for each in zip(*starts, strict=True))
    yield Row(f"{name}start to ready", without, with_it, goal="the same")
    yield from compare.rows(f"{name}POST {single}", singles, as_rate=True, goal="the same")
    yield from compare.rows(f"{name}POST {batch}, an event", batches, goal="the same")
    yield Row("  events waiting at the end", *(f"{count:,}" for count in waiting[-1]))


@contextmanager
def _prepared(folder: Path, backlog: int) -> Iterator[Gateway]:
    """A gateway to be started, with a backlog for a sink that takes nothing."""
    journal.fill(folder, backlog)
    ports = free_ports()
    gateway = Gateway(folder, config({"events": "json_lines"}, ports=ports))
    gateway.port, gateway.inspector_port = ports
    with _locked(folder / "data/events.jsonl"):
        yield gateway


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """A sink's file that another has locked, so that the sink is unavailable."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(gateway: Gateway, running: ExitStack) -> float:
    """Start a gateway, to run as long as the stack is open; the seconds until it is ready for requests."""
    with ThreadPoolExecutor(1) as threads:
        begun = time.perf_counter()
        ready = threads.submit(_await_ready, gateway)
        gateway.start()
        running.callback(gateway.kill)
        took = ready.result() - begun
    pinned.place(gateway)
    return took


def _pending(gateway: Gateway) -> int:
    return int(gateway.metrics()['gateway_sink_pending_events{sink="events"}'])


def _await_ready(gateway: Gateway) -> float:
    """The moment at which the intake says that it is ready, perhaps before the gateway announces itself."""

    def is_ready() -> bool:
        try:
            return gateway.request("GET", "/readyz").status == 200
        except (OSError, HTTPException):
            return False

    until(is_ready)
    return time.perf_counter()
