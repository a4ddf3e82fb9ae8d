"""Gateways that share a journal on Kafka: each event is delivered once, whatever ends in between."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.gateways import Cluster, Load, cluster, send
from tests.gateway import halt
from tests.sinks.kafka_server import KafkaServer

_JOURNAL = """
engine = "kafka"
servers = ["{server.address}"]
name = "gateways"
partitions = 4
replicas = 1
require = "fsync"
max_size = "256MB"
"""


@pytest.fixture(scope="module")
def server() -> KafkaServer:
    """A broker that these tests may kill."""
    return KafkaServer()


@pytest.fixture(scope="module")
def gateways(server: KafkaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), _JOURNAL.format(server=server)) as made:
        yield made


def test_two_gateways_on_kafka_deliver_each_event_once(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    gateways.shared("one", "two")

    ids = send(one, 300) + send(two, 300)

    assert len(ids) == 600
    assert gateways.delivered(ids) == ids
    assert gateways.ledger("one")["balanced"]


def test_an_answer_says_what_kafka_promises(gateways: Cluster) -> None:
    answer = gateways.up("one").post("/v1/track", {"type": "track", "event": "x", "userId": "u"})

    assert (answer.status, answer.headers["x-durability"]) == (200, "fsync")


def test_what_a_gateway_acknowledged_before_it_was_killed_is_delivered(gateways: Cluster) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    with Load(one, two) as load:
        load.more()
        two.kill()
        gateways.shared("one")
        load.more()

    assert gateways.delivered(load.ids) == load.ids


def test_a_broker_that_hangs_or_is_killed_under_load_costs_nothing_that_was_acknowledged(
    gateways: Cluster, server: KafkaServer
) -> None:
    one, two = gateways.up("one"), gateways.up("two")
    with Load(one, two) as load:
        load.more()
        halt(server.process.pid)
        refused = one.post("/v1/track", {"type": "track", "event": "x", "userId": "u"})
        os.kill(server.process.pid, signal.SIGCONT)
        load.more()
        server.crash()
        load.more()

    assert (refused.status, "retry-after" in refused.headers) == (503, True)
    assert gateways.delivered(load.ids) == sorted(load.ids)
    assert gateways.ledger("one")["balanced"]
