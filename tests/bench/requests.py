"""What sinks that send requests cost beside aiohttp posting the same bytes; the receiver has another core."""

import time
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import anyio

from gateway.config.secret import Secret, Secrets
from gateway.sinks.base import Batch, Sink
from gateway.sinks.commandersact import CommandersAct
from gateway.sinks.http import Http
from gateway.sinks.segment import Segment
from tests.bench import compare, events, pinned
from tests.bench.compare import Pair
from tests.bench.options import Options
from tests.bench.table import Row
from tests.bench.wrk import Sample

PROGRAMS = ()
_EVENTS = 100  # a batch
_GOAL = "≥ 100,000/s"


def measure(options: Options) -> Iterator[Row]:
    lines = [events.canonical().replace(events.MARK.encode(), b"%016d" % n) for n in range(_EVENTS)]
    lines = [line.replace(b'"userId":"u1"', b'"userId":"u%d"' % n) for n, line in enumerate(lines)]
    batch = Batch("hook", "0", 0, _EVENTS, range(_EVENTS), b"".join(line + b"\n" for line in lines))
    with pinned.bare(pinned.REST) as server, pinned.measured():
        url = f"http://127.0.0.1:{server.port}"
        sinks = _sinks(url)
        found: dict[str, list[Pair]] = {work: [] for work in sinks}
        for _ in range(options.rounds):
            ceiling = anyio.run(_post, url, batch.data, options.seconds, backend_options={"use_uvloop": True})
            for work, sink in sinks.items():
                ours = anyio.run(_deliver, sink, batch, options.seconds, backend_options={"use_uvloop": True})
                found[work].append(Pair(ceiling, ours))
    for work, pairs in found.items():
        yield from compare.rows(work, pairs, as_rate=True, goal=_GOAL if work.startswith("http, b") else "")


def _sinks(url: str) -> dict[str, Sink]:
    hook, key = Secret(url), Secret("key")
    secret = Secrets([Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])
    return {
        f"http, batches of {_EVENTS}, an event": Http(url=hook, allow_private=True),
        "  signed": Http(url=hook, allow_private=True, secret=secret),
        "  compressed": Http(url=hook, allow_private=True, compress="gzip"),
        "  a request for each": Http(url=hook, allow_private=True, body="event"),
        "  and 8 in flight": Http(url=hook, allow_private=True, body="event", in_flight=8),
        f"segment, batches of {_EVENTS}, an event": Segment(url=url, allow_private=True, write_key=key),
        f"commandersact, batches of {_EVENTS}, an event": CommandersAct(
            url=url, allow_private=True, site="1", token=key
        ),
    }


async def _post(url: str, body: bytes, seconds: float) -> Sample:
    async with aiohttp.ClientSession() as session:

        async def send() -> None:
            async with session.post(url, data=body) as response:
                await response.read()

        return await _repeat(send, seconds)


async def _deliver(sink: Sink, batch: Batch, seconds: float) -> Sample:
    async with sink.connect("hook", b"") as connection:
        return await _repeat(lambda: connection.write(batch), seconds)


async def _repeat(work: Callable[[], Awaitable[object]], seconds: float) -> Sample:
    """Return the microseconds for an event."""
    await work()
    times = 0
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() < wall + seconds:
        await work()
        times += _EVENTS
    return Sample((time.perf_counter() - wall) / times * 1e6, (time.process_time() - cpu) / times * 1e6)
