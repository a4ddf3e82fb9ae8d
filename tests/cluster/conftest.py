"""What the tests of several gateways have in common."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from gateway.state.leases import Leases, Member
from gateway.state.store import State
from tests import databases
from tests.cluster.gateways import Cluster, cluster
from tests.cluster.sharing import ID, Join, Shared


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


@pytest.fixture(scope="session")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for all tests: to start a gateway takes seconds."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made
