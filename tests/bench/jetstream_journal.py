"""
What the journal does on JetStream, beside a bare publisher of ready chunks.

Three servers replicate each stream, and sync before they acknowledge. They share the cores and the disk of
this machine with whatever publishes, so that the rates are floors.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from itertools import count
from pathlib import Path
from typing import NamedTuple

import anyio
from nats.aio.client import Client

from gateway.config.tables import Journal
from gateway.journal.base import Position
from gateway.journal.jetstream import start, streams
from gateway.journal.jetstream.appender import appending
from gateway.journal.jetstream.log import JetStreamLog
from tests import databases
from tests.bench import events, journal, open_loop, wrk
from tests.bench.options import Options
from tests.bench.pinned import Server
from tests.bench.table import Row
from tests.gateway import Gateway
from tests.journal.nats_cluster import NatsCluster
from tests.sinks.nats_server import PASSWORD, USER

PROGRAMS = ("wrk", open_loop.COMPILER)
_PARTITIONS = 4
_CHUNK = 256  # events, of the bare publisher
_CLIENTS = 64  # of an appender
_SUBMISSION = 50  # events
_BATCH = 100  # events of a request
_REQUESTS = 50  # a second, in the open loop
_NAMES = count(time.time_ns())

_CONFIG = """
[server]
port = 0
node = "{node}"
[inspector]
port = 0
[journal]
engine = "jetstream"
servers = {servers}
monitor = {monitor}
name = "{journal.name}"
partitions = {journal.partitions}
require = "fsync"
user = "{user}"
password = "{password}"
[state]
url = "{state}"
[sources.default]
write_keys = ["dev"]
[sinks.nothing]
kind = "null"
"""


class Found(NamedTuple):
    """What one round found."""

    rate: float
    """Events a second."""
    p50: float
    """Milliseconds until an acknowledgement."""
    p99: float


def measure(options: Options) -> Iterator[Row]:
    found: dict[str, list[Found]] = {}
    ceilings: list[Found] = []
    works: dict[str, Callable[[Journal], Awaitable[Found]]] = {
        "append, 1 gateway": lambda journal: _append(journal, 1, options.seconds),
        "append, 2 gateways": lambda journal: _append(journal, 2, options.seconds),
        "read": _read,
    }
    for _ in range(options.rounds):
        cluster = NatsCluster()
        try:
            ceilings.append(anyio.run(_publish, cluster, options.seconds))
            last = _begin(cluster)
            for name, work in works.items():
                found.setdefault(name, []).append(anyio.run(work, last))
            for gateways in (1, 2):
                name = f"POST /v1/batch, {gateways} gateway{'s' * (gateways > 1)}"
                found.setdefault(name, []).append(_post(_begin(cluster), gateways, options))
        finally:
            cluster.remove()
    ceiling = _middle(ceilings)
    text = f"{ceiling.rate:,.0f}/s"
    yield Row(f"bare publisher, {_CHUNK} a chunk: p50, p99", text, _times(ceiling))
    for name, results in found.items():
        ours = _middle(results)
        yield Row(
            f"journal on jetstream: {name}",
            text,
            f"{ours.rate:,.0f}/s",
            "",
            f"{ours.rate / ceiling.rate:.2f}",
        )
        if ours.p99:
            yield Row("  until acknowledged: p50, p99", "", _times(ours))


def _begin(cluster: NatsCluster) -> Journal:
    """Create an empty journal."""
    journal = cluster.journal(
        name=f"bench-{next(_NAMES)}", partitions=_PARTITIONS, max_size=2**30, require="fsync"
    )
    start.prepare(journal)
    return journal


async def _publish(cluster: NatsCluster, seconds: float) -> Found:
    """Publish chunks to each of as many streams, one at a time."""
    bench, lines, times = _begin(cluster), journal.Lines(), list[float]()
    begun = time.perf_counter()

    async def publish(partition: str) -> None:
        client = Client()
        await client.connect(bench.servers[0], user=USER, password=PASSWORD)
        while (sent := time.perf_counter()) - begun < seconds:
            chunk = b"\n".join(lines.take(_CHUNK))
            await client.request(streams.subject(bench, partition), chunk, timeout=10)
            times.append(time.perf_counter() - sent)
        await client.close()

    await asyncio.gather(*(publish(str(number)) for number in range(_PARTITIONS)))
    return _found(times, _CHUNK, time.perf_counter() - begun)


async def _append(bench: Journal, gateways: int, seconds: float) -> Found:
    """Let the clients of each gateway append one submission after the other, spread over the partitions."""
    lines, times, partitions = (
        journal.Lines(),
        list[float](),
        [each % _PARTITIONS for each in range(_SUBMISSION)],
    )
    async with AsyncExitStack() as opened:
        appenders = [await opened.enter_async_context(appending(bench)) for _ in range(gateways)]
        begun = time.perf_counter()

        async def send(number: int) -> None:
            appender = appenders[number % gateways]
            while (sent := time.perf_counter()) - begun < seconds:
                block = b"\n".join(lines.take(_SUBMISSION))
                await appender.append((block,), 0, _SUBMISSION, partitions)
                times.append(time.perf_counter() - sent)

        await asyncio.gather(*(send(number) for number in range(_CLIENTS * gateways)))
        seconds = time.perf_counter() - begun
        for each in appenders:
            await each.close()
    return _found(times, _SUBMISSION, seconds)


async def _read(bench: Journal) -> Found:
    """Read all partitions, one after the other."""

    def read() -> Found:
        log, events = JetStreamLog(bench), 0
        begun = time.perf_counter()
        for partition in log.partitions():
            reader, position = log.reader(partition), Position(0)
            while part := reader.read(position):
                position = part.end
            events += position.number
        rate = events / (time.perf_counter() - begun)
        log.close()
        return Found(rate, 0, 0)

    return await anyio.to_thread.run_sync(read)


def _post(bench: Journal, gateways: int, options: Options) -> Found:
    """Send requests to real gateways: as fast as they answer, and then on a schedule."""
    path, body = events.DIALECTS[0].batch, events.batch(_BATCH)
    program = open_loop.build(options.folder)
    with databases.database() as state, ExitStack() as running:
        servers = []
        for number in range(gateways):
            folder = options.folder / f"{bench.name}-{number}"
            folder.mkdir()
            gateway = running.enter_context(Gateway(folder, _config(bench, number, state)))
            servers.append(Server(gateway.port, gateway.children()["intake-0"]))
        rates = _together([_load(each, path, body, options.seconds, folder) for each in servers])
        latencies = open_loop.run(program, servers[0].port, path, body, _REQUESTS, options.seconds)
    return Found(sum(rates), latencies.p50, latencies.p99)


def _load(server: Server, path: str, body: bytes, seconds: int, folder: Path) -> Callable[[], float]:
    def load() -> float:
        place = folder / f"load-{server.port}"
        place.mkdir()
        return 1e6 / wrk.load(server, path, body, seconds, place).wall * _BATCH

    return load


def _together(works: list[Callable[[], float]]) -> list[float]:
    async def run() -> list[float]:
        return await asyncio.gather(*(asyncio.to_thread(work) for work in works))

    return anyio.run(run)


def _config(bench: Journal, number: int, state: str) -> str:
    return _CONFIG.format(
        node=f"n{number}",
        servers=list(bench.servers),
        monitor=list(bench.monitor),
        journal=bench,
        user=USER,
        password=PASSWORD,
        state=state,
    ).replace("'", '"')


def _found(times: list[float], events: int, seconds: float) -> Found:
    times.sort()
    p50, p99 = (times[len(times) * part // 100] * 1e3 for part in (50, 99))
    return Found(len(times) * events / seconds, p50, p99)


def _middle(results: list[Found]) -> Found:
    return Found(*(statistics.median(each) for each in zip(*results, strict=True)))


def _times(found: Found) -> str:
    return f"{found.p50:.1f}, {found.p99:.1f} ms"
