"""
Faults of every part of a cluster under load: gateways, nodes of JetStream, and the PostgreSQL of the state.

Two gateways share a journal of three replicas. Each part is killed, halted, cut off from the others and
restarted; what was acknowledged is delivered once, in the order of each person, and the ledger balances.
`-s --rounds 10` does it all ten times, and prints how long the partitions of a gateway wait.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests import databases
from tests.cluster.gateways import Cluster, Load, assert_order
from tests.gateway import halt
from tests.journal.nats_cluster import NatsCluster, Node
from tests.network import Network
from tests.sinks.nats_server import PASSWORD, USER
from tests.sinks.postgres_server import PostgresServer

_JOURNAL = """
engine = "jetstream"
servers = [{servers}]
monitor = [{monitors}]
partitions = 4
replicas = 3
max_size = "256MB"
require = "fsync"
user = "{user}"
password = "{password}"
"""
_STATE = "state"


class Site(Cluster):
    """A cluster in a network, with a state and nodes of its own."""

    def __init__(self, folder: Path, state: str, target: str, server: PostgresServer) -> None:
        self.network = Network()
        self.engine = NatsCluster(network=self.network)
        self.server = server
        super().__init__(folder, state, target, "none, but those of `journal`")

    def journal(self, node: str) -> str:
        nodes = self.engine.nodes
        servers = [self.network.port(node, each.name, each.port) for each in nodes]
        monitors = [self.network.port(node, each.name, each.monitor_port) for each in nodes]
        return _JOURNAL.format(
            servers=", ".join(f'"nats://127.0.0.1:{port}"' for port in servers),
            monitors=", ".join(f'"http://127.0.0.1:{port}"' for port in monitors),
            user=USER,
            password=PASSWORD,
        )

    def state(self, node: str) -> str:
        port = self.network.port(node, _STATE, self.server.port)
        return super().state(node).replace(f":{self.server.port}/", f":{port}/")

    def close(self) -> None:
        super().close()
        self.engine.remove()
        self.network.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = PostgresServer()
    with ExitStack() as held:
        held.callback(server.remove)
        state = held.enter_context(databases.database(server))
        target = held.enter_context(databases.database())
        site = Site(tmp_path, state, target, server)
        held.callback(site.close)
        yield site


@contextmanager
def halted(pids: Collection[int]) -> Iterator[None]:
    try:
        for pid in pids:
            with suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
                halt(pid)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # it has ended, and its parent goes on already
                os.kill(pid, signal.SIGCONT)


Meanwhile = Callable[[], None]
"""Returns when events were accepted beside the fault."""


def gateway_killed(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    site.up("two").kill()
    meanwhile()
    alone(site)
    site.up("two")


def gateway_halted(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    with halted(site.up("two").children().values()):
        meanwhile()
        alone(site)


def gateway_cut_off(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    site.network.cut_off("two")
    meanwhile()
    alone(site)
    site.network.join("two")


def gateway_restarted(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    assert site.up("two").stop() == 0
    alone(site)
    meanwhile()
    site.up("two")


def alone(site: Site) -> None:
    """Wait until the other gateway has all partitions."""
    begun = time.monotonic()
    site.shared("one")
    print(f"one has all partitions after {time.monotonic() - begun:.1f} s more")


def node_killed(_: Site, meanwhile: Meanwhile, node: Node) -> None:
    node.kill()
    meanwhile()
    node.start()


def node_halted(_: Site, meanwhile: Meanwhile, node: Node) -> None:
    node.pause()
    meanwhile()
    node.resume()


def node_cut_off(site: Site, meanwhile: Meanwhile, node: Node) -> None:
    site.network.cut_off(node.name)
    meanwhile()
    site.network.join(node.name)


def node_restarted(_: Site, meanwhile: Meanwhile, node: Node) -> None:
    node.leave()
    meanwhile()
    node.start()


def state_killed(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    site.server.stop()
    meanwhile()
    site.server.start()


def state_halted(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    with halted(site.server.processes()):
        meanwhile()


def state_cut_off(site: Site, meanwhile: Meanwhile, _: Node) -> None:
    site.network.cut_off(_STATE)
    meanwhile()
    site.network.join(_STATE)


_FAULTS = (
    gateway_killed,
    gateway_halted,
    gateway_cut_off,
    gateway_restarted,
    node_killed,
    node_halted,
    node_cut_off,
    node_restarted,
    state_killed,
    state_halted,
    state_cut_off,
)


def test_no_fault_of_any_part_loses_repeats_or_disorders_an_event(
    site: Site, rounds: int | None, chance: random.Random
) -> None:
    one, two = site.up("one"), site.up("two")
    site.shared("one", "two")
    with Load(one) as load, Load(two) as other:
        for _ in range(rounds or 1):
            for fault in chance.sample(_FAULTS, len(_FAULTS)):
                begun = time.monotonic()
                fault(site, load.more, chance.choice(site.engine.nodes))
                site.engine.settle()
                load.more()
                other.more()
                site.shared("one", "two")
                print(f"{fault.__name__}: {time.monotonic() - begun:.1f} s")

    acknowledged = sorted(load.ids + other.ids)
    print(f"{len(acknowledged):,} events acknowledged")
    assert site.delivered(acknowledged) == acknowledged
    assert site.ledger("one")["balanced"]
    rows = site.rows()
    assert len({row["id"] for row in rows}) == len(rows)
    for sent in (load.ids, other.ids):
        assert_order(rows, sent)
