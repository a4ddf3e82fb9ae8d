"""
Nodes of Kafka that are killed, stopped and restarted under load: what was acknowledged is there, once.

`--rounds 30` lets so many nodes fail, one after the other.
"""

import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio
import pytest
from anyio import to_thread

from gateway.config.tables import Journal
from gateway.errors import TryLater
from gateway.journal.base import Appender, Log, Position
from gateway.journal.kafka import topic
from gateway.journal.kafka.appender import appending
from tests.build import Read, event_line, event_lines, read_to_end
from tests.journal.kafka_cluster import PATIENCE, KafkaCluster

pytestmark = pytest.mark.anyio

PARTITIONS = 3
CLIENTS = 6
Result = TypeVar("Result")
_ID = re.compile(rb'"messageId":"(\d+)-(\d+)"')


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as running:
        yield running


class Load:
    """Clients that append one event after the other, and remember what was acknowledged."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self.acknowledged: list[list[int]] = [[] for _ in range(CLIENTS)]
        self._news = anyio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send within the block."""
        async with anyio.create_task_group() as tasks:
            for client in range(CLIENTS):
                tasks.start_soon(self._send, client)
            yield
            tasks.cancel_scope.cancel()

    async def advance(self) -> None:
        """Wait until an event of each client was acknowledged that was sent from now on."""
        # The next one may be on its way already.
        wanted = [len(each) + 2 for each in self.acknowledged]
        with anyio.fail_after(PATIENCE):
            while any(len(each) < count for each, count in zip(self.acknowledged, wanted, strict=True)):
                await self._news.wait()

    def check(self, log: Log) -> None:
        """Compare what was acknowledged with what the log has."""
        found: list[list[int]] = [[] for _ in range(CLIENTS)]
        for partition in log.partitions():
            read = patiently(partial(read_to_end, log.reader(partition), Position(0)))
            assert read.lost == 0
            for line in read.lines:
                names = _ID.search(line)
                assert names
                found[int(names[1])].append(int(names[2]))
        for acknowledged, stored in zip(self.acknowledged, found, strict=True):
            promised = set(acknowledged)
            assert [each for each, count in Counter(stored).items() if count > 1] == []
            assert [each for each in stored if each in promised] == acknowledged

    async def _send(self, client: int) -> None:
        number = 0
        while True:
            number += 1
            try:
                line = event_line(messageId=f"{client}-{number}")
                await self._appender.append([line], 0, 1, [client % PARTITIONS])
            except TryLater:  # it may be stored all the same, and is not sent again
                continue
            self.acknowledged[client].append(number)
            self._news.set()
            self._news = anyio.Event()


async def test_faults_of_nodes_lose_nothing_acknowledged_and_store_nothing_twice(
    cluster: KafkaCluster, rounds: int | None, chance: random.Random
) -> None:
    faults = [
        (cluster.kill, cluster.start),
        (cluster.pause, cluster.resume),
        (cluster.stop, cluster.start),
    ]
    journal = Journal(engine="kafka", servers=cluster.servers, name="faults", partitions=PARTITIONS)
    identity = await to_thread.run_sync(topic.prepare, journal)

    async with appending(journal, identity) as appender:
        load = Load(appender)
        async with load.running():
            await load.advance()
            for number in range(rounds or len(faults)):
                fault, cure = faults[number % len(faults)]
                partition = chance.randrange(PARTITIONS)
                node = await to_thread.run_sync(cluster.leader, "faults", partition)
                await to_thread.run_sync(fault, node)
                await load.advance()
                await to_thread.run_sync(cure, node)
                await load.advance()
                await to_thread.run_sync(cluster.await_replicas, "faults")
        await appender.close()

    await to_thread.run_sync(load.check, topic.open_log(journal))


async def test_positions_stay_valid_after_an_election(cluster: KafkaCluster) -> None:
    journal = Journal(engine="kafka", servers=cluster.servers, name="elections", partitions=1)
    identity = await to_thread.run_sync(topic.prepare, journal)
    log = topic.open_log(journal)
    async with appending(journal, identity) as appender:
        before = await append(appender, log, event_lines(0, 3))
        node = await to_thread.run_sync(cluster.leader, "elections", 0)
        await to_thread.run_sync(cluster.stop, node)
        after = await append(appender, log, event_lines(3, 5))
        await to_thread.run_sync(cluster.start, node)
        await appender.close()

    reader = log.reader("0")
    assert before.epoch != after.epoch
    unknown = Position(after.number, before.epoch)
    accepted = [patiently(partial(reader.accepts, each)) for each in (before, after, unknown)]
    assert accepted == [True, True, False]
    read = patiently(partial(read_to_end, log.reader("0"), before))
    assert read == Read(event_lines(3, 5), 0, 5)


async def append(appender: Appender, log: Log, lines: list[bytes]) -> Position:
    """Append to the first partition as soon as it is possible, and return the end of the partition."""
    with anyio.fail_after(PATIENCE):
        while True:
            try:
                await appender.append(lines, 0, None, [0] * len(lines))
                break
            except TryLater:
                await anyio.lowlevel.checkpoint()
    position, reader = Position(0), log.reader("0")
    while found := await to_thread.run_sync(patiently, partial(reader.read, position)):
        position = found.end
    return position


def patiently(look: Callable[[], Result]) -> Result:
    """Return what is found, as soon as a node can tell: not while another is being elected."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return look()
        except OSError:
            if time.monotonic() > end:
                raise
