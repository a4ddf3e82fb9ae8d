"""What sinks that publish messages cost beside their drivers, which send ready messages to the servers."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count
from typing import NamedTuple

import anyio
from anyio import to_thread
from confluent_kafka import Producer
from nats.aio.client import Client
from redis.asyncio import Redis as RedisClient

from gateway.config.secret import Secret
from gateway.sinks.base import Batch, Sink
from gateway.sinks.kafka import Kafka
from gateway.sinks.nats import Nats
from gateway.sinks.redis import Redis
from tests.bench import compare, journal, pinned
from tests.bench.compare import Pair
from tests.bench.options import Options
from tests.bench.table import Row
from tests.bench.wrk import Sample
from tests.sinks import nats_server, redis_server
from tests.sinks.kafka_server import kafka_server

PROGRAMS = ("java",)
_EPOCHS = count(time.time_ns())  # positions begin anew in each round

Write = Callable[[Batch], Awaitable[object]]
Open = Callable[[], AbstractAsyncContextManager[Write]]


class Case(NamedTuple):
    name: str
    sink: Sink
    driver: Open
    events: int
    """In a batch."""
    goal: str


def measure(options: Options) -> Iterator[Row]:
    for case in _cases(options):
        with pinned.measured():  # the servers have the other cores
            pairs = [
                Pair(*(anyio.run(_repeat, work, case.events, options.seconds) for work in _works(case)))
                for _ in range(options.rounds)
            ]
        yield from compare.rows(case.name, pairs, as_rate=True, goal=case.goal)


def _cases(options: Options) -> Iterator[Case]:
    kafka, nats, redis = kafka_server(), nats_server.nats_server(), redis_server.redis_server()
    for name in ("kafka", "kafka, in transactions"):
        topic = kafka.make_topic(options.folder / name, partitions=3)
        sink = Kafka(
            servers=(kafka.address,), topic=topic, security="plaintext", transactions=name != "kafka"
        )
        yield Case(name, sink, partial(_producer, topic), 4000, "≥ 100,000/s")
    password = Secret(nats_server.PASSWORD)
    stream = Nats(servers=(nats.address,), user=nats_server.USER, password=password)
    yield Case("nats", stream, _publisher, 1000, "≥ 40,000/s")
    yield Case("redis", Redis(url=Secret(redis.url())), _adder, 2000, "≥ 40,000/s")


def _works(case: Case) -> tuple[Open, Open]:
    @asynccontextmanager
    async def gateway() -> AsyncIterator[Write]:
        async with case.sink.connect("bench", b"") as connection:
            yield connection.write

    return case.driver, gateway


async def _repeat(opened: Open, events: int, seconds: float) -> Sample:
    """Write batch after batch, and return what an event costs in microseconds."""
    lines, epoch, wall, cpu = journal.Lines(), next(_EPOCHS), 0.0, 0.0
    async with opened() as write:
        for number in count():
            first = number * events
            data = b"\n".join((*lines.take(events), b""))
            batch = Batch("bench", "0", first, first + events, range(first, first + events), data, epoch)
            start, cpu_start = time.perf_counter(), time.process_time()
            await write(batch)
            if number:  # the first one opens things
                wall, cpu = wall + time.perf_counter() - start, cpu + time.process_time() - cpu_start
            if wall > seconds:
                return Sample(wall * 1e6, cpu * 1e6).shared(number * events)
    raise AssertionError


@asynccontextmanager
async def _producer(topic: str) -> AsyncIterator[Write]:
    settings = {"bootstrap.servers": kafka_server().address, "enable.idempotence": True, "log_level": 0}
    producer = Producer({**settings, "delivery.report.only.error": True})

    def produce(lines: list[bytes]) -> None:
        for line in lines:
            producer.produce(topic, line, b"u1", headers=[("message-id", b"m"), ("position", b"0/1")])
        producer.flush()

    async def write(batch: Batch) -> None:
        await to_thread.run_sync(produce, batch.lines)

    yield write


@asynccontextmanager
async def _publisher() -> AsyncIterator[Write]:
    client, names = Client(), count(time.time_ns())
    server = nats_server.nats_server()
    await client.connect(server.address, user=nats_server.USER, password=nats_server.PASSWORD)
    await client.jetstream().add_stream(name="driver", subjects=["driver"], allow_atomic=True)

    async def write(batch: Batch) -> None:
        name = str(next(names))
        for number, line in enumerate(batch.lines, 1):
            headers = {"Nats-Msg-Id": f"{name}-{number}", "Position": "0/1", "Nats-Batch-Id": name}
            headers["Nats-Batch-Sequence"] = str(number)
            if number < batch.count:
                await client.publish("driver", line, headers=headers)
        answer = await client.request("driver", line, 10, headers=headers | {"Nats-Batch-Commit": "1"})
        assert b"error" not in answer.data, answer.data

    yield write
    await client.close()


@asynccontextmanager
async def _adder() -> AsyncIterator[Write]:
    client = RedisClient.from_url(redis_server.redis_server().url())

    async def write(batch: Batch) -> None:
        async with client.pipeline() as commands:
            for line in batch.lines:
                commands.xadd("driver", {"message-id": b"m", "position": b"0/1", "event": line})
            await commands.execute()

    yield write
    await client.aclose()
