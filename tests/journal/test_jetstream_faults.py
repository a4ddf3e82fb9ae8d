"""
Faults of the nodes of JetStream under load, counted by an oracle.

`--rounds 60` makes more of them. To see it go red: let `append` in journal/jetstream/partition.py publish
again without a look at the message behind, or leave out the expected sequence.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from anyio import to_thread

from gateway.config.tables import Journal
from gateway.config.units import Size
from gateway.journal.base import Position
from gateway.journal.jetstream import start, streams
from gateway.journal.jetstream.appender import appending
from gateway.journal.jetstream.log import JetStreamLog
from tests.journal.nats_cluster import NODES, NatsCluster, Node
from tests.journal.oracle import RIGHT, Persons, judge, read_all
from tests.journey.faults import Disk

pytestmark = pytest.mark.anyio

Opened = Callable[[Journal], JetStreamLog]

CLIENTS = 20
"""Of each of the two appenders."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[NatsCluster]:
    cluster = NatsCluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open logs that are closed behind the test."""
    with ExitStack() as held:
        yield lambda journal: held.enter_context(closing(JetStreamLog(journal)))


@asynccontextmanager
async def under_load(journal: Journal) -> AsyncIterator[list[Persons]]:
    """Two gateways append to the same partitions for the duration of the block."""
    await to_thread.run_sync(start.prepare, journal)
    async with appending(journal) as one, appending(journal) as other:
        clients = [Persons("one", one, CLIENTS), Persons("other", other, CLIENTS)]
        tasks = [asyncio.create_task(each.run()) for each in clients]
        try:
            yield clients
        finally:
            for each in clients:
                each.stop()
            await asyncio.gather(*tasks)
            await one.close()
            await other.close()


@asynccontextmanager
async def followed(log: JetStreamLog) -> AsyncIterator[None]:
    """A reader follows the partitions for the duration of the block, and is never at an unknown position."""
    going = True

    def follow() -> None:
        readers = [log.reader(partition) for partition in log.partitions()]
        positions = [Position(0)] * len(readers)
        while going:
            for number, reader in enumerate(readers):
                with suppress(OSError):
                    part = reader.read(positions[number])
                    positions[number] = part.end if part else positions[number]

    following = asyncio.create_task(to_thread.run_sync(follow))
    try:
        yield
    finally:
        going = False
        await following


async def acknowledged(clients: list[Persons], more: int) -> None:
    """Return once so many more events are acknowledged to each appender."""
    await asyncio.gather(*(each.acknowledge(more) for each in clients))


def kill(node: Node) -> None:
    node.kill()
    node.start()


def hang(node: Node) -> None:
    node.pause()


def restart(node: Node) -> None:
    node.leave()
    node.start()


FAULTS: dict[str, Callable[[Node], None]] = {"killed": kill, "stopped": hang, "restarted": restart}


@pytest.mark.parametrize("name", FAULTS)
async def test_no_fault_of_a_node_loses_repeats_or_disorders_an_event(
    cluster: NatsCluster, opened: Opened, name: str, rounds: int | None, chance: random.Random
) -> None:
    journal = cluster.journal(name=name)
    log = opened(journal)

    async with under_load(journal) as clients, followed(log):
        await acknowledged(clients, 50)
        for number in range(rounds or 3):
            leader = await to_thread.run_sync(cluster.leader, streams.stream(journal, "0"))
            node = chance.choice(cluster.nodes) if number % 2 else leader
            await to_thread.run_sync(FAULTS[name], node)
            await acknowledged(clients, 50)
            if name == "stopped":
                node.resume()
            await to_thread.run_sync(cluster.settle)
            await acknowledged(clients, 50)
    stored = await to_thread.run_sync(read_all, log)

    for each in clients:
        print(
            f"{len(each.acknowledged):,} acknowledged, {each.refused:,} refused, {each.longest:.2f} s at most"
        )
    assert judge(clients, stored) == RIGHT
    assert all(each.acknowledged for each in clients)


async def test_all_nodes_killed_at_once_lose_nothing(cluster: NatsCluster, opened: Opened) -> None:
    journal = cluster.journal(name="all")
    log = opened(journal)

    async with under_load(journal) as clients:
        await acknowledged(clients, 50)
        for node in cluster.nodes:
            node.kill()
        for node in cluster.nodes:
            node.start()
        await acknowledged(clients, 50)
    stored = await to_thread.run_sync(read_all, log)

    assert judge(clients, stored) == RIGHT


async def test_a_power_cut_of_all_nodes_loses_nothing(
    opened: Opened, rounds: int | None, tmp_path: Path
) -> None:
    with ExitStack() as held:
        disks = [held.enter_context(Disk(folder(tmp_path / f"n{number}"))) for number in range(NODES)]
        cluster = NatsCluster("always", [disk.folder for disk in disks])
        held.callback(cluster.remove)
        journal = cluster.journal(name="power", require="fsync", max_size=Size(2**26))
        log = opened(journal)

        async with under_load(journal) as clients:
            for _ in range(rounds or 2):
                await acknowledged(clients, 100)
                for each in clients:
                    each.hearing = False
                await to_thread.run_sync(cut_and_restore, cluster, disks)
                for each in clients:
                    each.hearing = True
            await acknowledged(clients, 50)
        stored = await to_thread.run_sync(read_all, log)

    assert judge(clients, stored) == RIGHT


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def cut_and_restore(cluster: NatsCluster, disks: list[Disk]) -> None:
    """Cut the power of all nodes, and start them again."""
    for disk in disks:
        disk.cut()
    for node in cluster.nodes:
        node.kill()
    for node, disk in zip(cluster.nodes, disks, strict=True):
        disk.replug()
        node.start()


async def test_gateways_that_start_at_once_have_the_same_journal(cluster: NatsCluster) -> None:
    for attempt in range(2):
        servers = cluster.journal().servers
        journals = [
            cluster.journal(name=f"first-{attempt}", servers=servers[place:] + servers[:place])
            for place in (*range(NODES), *range(NODES))
        ]

        found = await asyncio.gather(*(to_thread.run_sync(start.prepare, journal) for journal in journals))

        assert len(set(found)) == 1
