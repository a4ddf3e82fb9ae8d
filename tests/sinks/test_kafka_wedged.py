"""An idempotent producer that has lost its place among the brokers: it stays broken, and is replaced."""

from pathlib import Path

import msgspec
import pytest

from gateway.errors import SinkUnavailable
from tests.build import event_lines, keep
from tests.delivery.work import eventually, make, open_state, running
from tests.sinks.batches import batch
from tests.sinks.kafka_example import sink_in
from tests.sinks.kafka_server import KafkaServer, kafka_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> KafkaServer:
    return kafka_server()


async def test_a_wedged_producer_sends_nothing_any_more(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, servers=(server.gated,))

    async with sink.connect("archive", b"") as connection:
        with server.gate.losing_the_second():
            await connection.write(batch(0, 1))
            await connection.write(batch(1, 2))
        with pytest.raises(SinkUnavailable, match="OUT_OF_ORDER_SEQUENCE_NUMBER"):
            await connection.write(batch(2, 3))
        with pytest.raises(SinkUnavailable, match="_FATAL"):
            await connection.write(batch(3, 4))

    assert server.ids(sink.topic) == ["m0"]


async def test_a_wedged_producer_is_replaced_and_the_events_behind_arrive(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = msgspec.structs.replace(sink_in(tmp_path, servers=(server.gated,)), batch_events=1)
    keep(tmp_path / "journal/0", event_lines(0, 5))
    state = open_state(tmp_path)
    worker = make(sink, tmp_path / "journal", state)

    with server.gate.losing_the_second():
        async with running(worker):
            await eventually(lambda: state.tallies() == {"sink": {("delivered", ""): 5}})
            worker.stop()

    assert server.ids(sink.topic) == ["m0", "m2", "m3", "m4"]  # the broker has lost m1 after it had it
    assert state.statuses.read("sink").retries == 1
