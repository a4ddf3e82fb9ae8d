"""What the tests of several gateways have in common."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gateway.state.leases import Leases, Member
from gateway.state.store import State
from tests import databases
from tests.cluster.gateways import Cluster, cluster
from tests.cluster.sharing import ID, Join, Shared
from tests.journal.jetstream_engine import on, syncing_server
from tests.sinks.nats_server import PASSWORD, USER


@pytest.fixture
def shared() -> Iterator[Shared]:
    with databases.database() as url:
        shared = Shared(url)
        State.prepare(shared.place, ID)
        yield shared


@pytest.fixture
def join(shared: Shared) -> Iterator[Join]:
    """Makes members, each of a gateway of its own."""
    with ExitStack() as joined:

        def make(node: str, since: int = 1, place: str = "") -> Leases:
            id = f"id of {node} {place}"
            member = Member(id, node, place or f"{node}:/data", "delivery-0", "1.0", since)
            return joined.enter_context(closing(shared.leases(member)))

        yield make


@pytest.fixture
def journal() -> str:
    """The table [journal] of gateways on a new journal of JetStream."""
    described = on(syncing_server())
    return f"""
        engine = "jetstream"
        servers = ["{described.servers[0]}"]
        name = "{described.name}"
        max_size = "256MB"
        replicas = 1
        require = "fsync"
        monitor = ["{described.monitor[0]}"]
        user = "{USER}"
        password = "{PASSWORD}"
    """


@pytest.fixture
def gateways(tmp_path: Path, journal: str) -> Iterator[Cluster]:
    """A cluster whose gateways deliver to a warehouse."""
    with cluster(tmp_path, journal) as made:
        yield made
