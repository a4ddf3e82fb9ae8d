"""What the journal costs on Kafka, beside a bare producer and a bare consumer of the same events."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import anyio
from anyio import to_thread
from confluent_kafka import Consumer, Producer, TopicPartition

from gateway.config.tables import Journal
from gateway.journal.base import Position
from gateway.journal.kafka import topic
from gateway.journal.kafka.appender import appending
from tests.bench import compare, journal, pinned
from tests.bench.compare import Pair
from tests.bench.options import Options
from tests.bench.table import Row
from tests.bench.wrk import Sample
from tests.gateway import until
from tests.sinks.kafka_server import KafkaServer, kafka_server

PROGRAMS = ("java",)
_PARTITIONS = 3
_CLIENTS = 16
_SUBMISSION = 50  # events
_FLUSHED = _CLIENTS * _SUBMISSION  # events that the bare producer sends before it waits for all
_READ_AT_ONCE = 1000
_NAMES = count(time.time_ns())


class Appended(NamedTuple):
    sample: Sample
    """Of an event."""
    times: list[float]
    """Seconds until a submission was acknowledged, in ascending order."""


def measure(options: Options) -> Iterator[Row]:
    server = kafka_server()
    writing, reading, times = [], [], list[list[float]]()
    for _ in range(options.rounds):
        bench = Journal(
            engine="kafka",
            servers=(server.address,),
            name=f"bench-{next(_NAMES)}",
            partitions=_PARTITIONS,
            replicas=1,  # of the only broker
            require="fsync",
        )
        identity = topic.prepare(bench)
        with pinned.measured():  # the server has the other cores
            bare = _produce(server, options)
            ours = anyio.run(_append, bench, identity, options.seconds)
            writing.append(Pair(bare, ours.sample))
            times.append(ours.times)
            reading.append(Pair(_consume(server, bench.name), _read(bench)))
    yield from compare.rows("journal on kafka: append", writing, as_rate=True)
    p50, p99 = (statistics.median(each[len(each) * part // 100] for each in times) for part in (50, 99))
    yield Row("  until acknowledged: p50, p99", "", f"{p50 * 1e3:.1f}, {p99 * 1e3:.1f} ms")
    yield from compare.rows("journal on kafka: read", reading, as_rate=True)


async def _append(bench: Journal, identity: bytes, seconds: float) -> Appended:
    """Let clients append one submission after the other, each spread over the partitions."""
    lines, times, partitions = journal.Lines(), [], [each % _PARTITIONS for each in range(_SUBMISSION)]
    async with appending(bench, identity) as appender:
        await to_thread.run_sync(until, lambda: not appender.promise.broken)  # it has yet to ask
        start, cpu_start = time.perf_counter(), time.process_time()

        async def send() -> None:
            while (sent := time.perf_counter()) - start < seconds:
                block = b"\n".join(lines.take(_SUBMISSION))
                await appender.append((block,), 0, _SUBMISSION, partitions)
                times.append(time.perf_counter() - sent)

        await asyncio.gather(*(send() for _ in range(_CLIENTS)))
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
        await appender.close()
    return Appended(Sample(wall * 1e6, cpu * 1e6).shared(len(times) * _SUBMISSION), sorted(times))


def _produce(server: KafkaServer, options: Options) -> Sample:
    """Send events to a topic of their own, and wait for all of them from time to time."""
    name = server.make_topic(options.folder / str(next(_NAMES)), partitions=_PARTITIONS, flush_messages="1")
    settings = {"bootstrap.servers": server.address, "acks": "all", "enable.idempotence": True}
    producer, lines = Producer({**settings, "linger.ms": 1, "log_level": 0}), journal.Lines()
    events, start, cpu_start = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < options.seconds:
        for number, line in enumerate(lines.take(_FLUSHED)):
            producer.produce(name, line, partition=number % _PARTITIONS)
        producer.flush()
        events += _FLUSHED
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    return Sample(wall * 1e6, cpu * 1e6).shared(events)


def _consume(server: KafkaServer, name: str) -> Sample:
    """Read the first partition from its start to its end."""
    settings = {"bootstrap.servers": server.address, "group.id": "bench", "auto.offset.reset": "earliest"}
    consumer = Consumer({**settings, "log_level": 0})
    _, end = consumer.get_watermark_offsets(TopicPartition(name, 0), 10)
    start, cpu_start, events = time.perf_counter(), time.process_time(), 0
    consumer.assign([TopicPartition(name, 0, 0)])
    while events < end:
        events += len([message.value() for message in consumer.consume(_READ_AT_ONCE, 0.1)])
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    consumer.close()
    return Sample(wall * 1e6, cpu * 1e6).shared(events)


def _read(bench: Journal) -> Sample:
    reader = topic.open_log(bench).reader("0")
    start, cpu_start, position = time.perf_counter(), time.process_time(), Position(0)
    while found := reader.read(position):
        position = found.end
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    reader.close()
    return Sample(wall * 1e6, cpu * 1e6).shared(position.number)
