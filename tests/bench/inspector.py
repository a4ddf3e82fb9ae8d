"""
The inspector: what the intake costs while somebody watches, beside nobody, and the live tail in a browser.

"Closed" means that the inspector runs, as always, and nobody has asked it for anything.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from typing import NamedTuple

from gateway.diagnostics.watching import WATCH_SECONDS, is_watched
from gateway.home import Home
from tests.bench import compare, cpu, events, open_loop, pinned, tail, wrk
from tests.bench.compare import Pair
from tests.bench.configs import config
from tests.bench.options import Options
from tests.bench.pinned import Server
from tests.bench.table import Row
from tests.bench.wrk import Sample
from tests.gateway import PATIENCE, Gateway

PROGRAMS = ("wrk", open_loop.COMPILER, tail.BROWSER)
_EVENTS = 100  # a batch
_PAGE_SECONDS = 2.0  # after which the overview renews itself
_CALM_SECONDS = 2.0  # in which workers notice that nobody watches, and write what they have
_GOAL = "≥ 0.98"


def measure(options: Options) -> Iterator[Row]:
    yield from _intake(options)
    yield from tail.measure(options.folder / "tail")


class Load(NamedTuple):
    work: str
    path: str
    body: Callable[[], bytes]
    events: int

    def run(self, intake: Server, options: Options) -> Sample:
        """Return the time for an event."""
        sample = wrk.load(intake, self.path, self.body(), options.seconds, options.folder)
        return sample.shared(self.events)


_SEGMENT = events.DIALECTS[0]
_LOADS = (
    Load("single events: closed, open", _SEGMENT.single, events.single, 1),
    Load(
        f"an event in batches of {_EVENTS}: closed, open",
        _SEGMENT.batch,
        partial(events.batch, _EVENTS),
        _EVENTS,
    ),
)


def _intake(options: Options) -> Iterator[Row]:
    found: list[list[Pair]] = [[] for _ in _LOADS]
    shares: list[float] = []
    with pinned.gateway(options.folder / "intake", config({"events": "json_lines"})) as gateway:
        intake, inspector = pinned.intake(gateway), gateway.children()["inspector"]

        def closed(load: Load) -> Sample:
            _forget(gateway)
            return load.run(intake, options)

        def opened(load: Load) -> Sample:
            with watching(gateway):
                begun, before = time.perf_counter(), cpu.seconds(inspector)
                sample = load.run(intake, options)
                shares.append((cpu.seconds(inspector) - before) / (time.perf_counter() - begun))
            return sample

        for number in range(options.rounds):
            for pairs, load in zip(found, _LOADS, strict=True):
                # Each goes first in every other round, so that what grows with the journal favours neither.
                if number % 2:
                    watched, alone = opened(load), closed(load)
                    pairs.append(Pair(alone, watched))
                else:
                    pairs.append(Pair(closed(load), opened(load)))
    for pairs, load in zip(found, _LOADS, strict=True):
        yield from compare.rows(load.work, pairs, as_rate=True, goal=_GOAL)
    yield Row("  CPU of the inspector meanwhile, most", cpu=f"{max(shares):.0%}".replace("%", " % of a core"))


def _forget(gateway: Gateway) -> None:
    """Let the workers believe that nobody has watched for long, which would take 30 s otherwise."""
    diagnostics = Home(gateway.folder / "data/journal").diagnostics
    long_ago = time.time() - 2 * WATCH_SECONDS
    if is_watched(diagnostics, time.time()):
        os.utime(diagnostics / "watched", (long_ago, long_ago))
    time.sleep(_CALM_SECONDS)


@contextmanager
def watching(gateway: Gateway) -> Iterator[None]:
    """Have an overview open and a live tail, which is read as fast as it comes, for the block."""
    stopped = threading.Event()
    live = threading.Event()

    def follow() -> None:
        connection = HTTPConnection("127.0.0.1", gateway.inspector_port, timeout=PATIENCE)
        connection.request("GET", "/events/stream")
        response = connection.getresponse()
        while not stopped.is_set():  # something comes every second
            response.read1()
            live.set()
        response.close()
        connection.close()

    def look() -> None:
        while not stopped.wait(_PAGE_SECONDS):
            gateway.request("GET", "/", None, {"Accept": "text/html"}, gateway.inspector_port)

    threads = [threading.Thread(target=each) for each in (follow, look)]
    for thread in threads:
        thread.start()
    try:
        if not live.wait(PATIENCE):
            raise RuntimeError("the live tail does not begin")
        time.sleep(_CALM_SECONDS)
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
