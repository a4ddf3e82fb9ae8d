"""What a topic gets: each event with its key and headers, in order, and once in transactions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.base import Batch
from gateway.sinks.kafka import Kafka
from tests.build import event_line
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.kafka_example import AtLeastOnce, Once, sink_in
from tests.sinks.kafka_server import KafkaServer, kafka_server

both = pytest.mark.parametrize("transactions", [False, True], ids=["plain", "in transactions"])


def example(folder: Path) -> Kafka:
    return sink_in(folder)


EXAMPLES = {"at least once": AtLeastOnce, "in transactions": Once}


@pytest.fixture
def server() -> KafkaServer:
    return kafka_server()


@both
def test_a_message_is_the_event_with_its_person_as_key_and_its_ids_as_headers(
    transactions: bool, server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, transactions=transactions)
    lines = [event_line(7), event_line(8, userId="", anonymousId="a1")]

    write(sink, b"", batch_of(lines, partition="1", first=7))

    first, second = server.read(sink.topic)
    assert (first.key(), first.value()) == (b"u1", lines[0])
    assert first.headers() == [("message-id", b"m7"), ("position", b"1/7")]
    assert (second.key(), second.value()) == (b"a1", lines[1])


def test_an_event_without_a_person_has_no_key(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    write(sink, b"", batch_of([event_line(0, userId="")]))

    [message] = server.read(sink.topic)
    assert message.key() is None


def test_a_replayed_event_is_sent_again_and_says_so(server: KafkaServer, tmp_path: Path) -> None:
    sink = sink_in(tmp_path, transactions=True)

    write(sink, b"", batch(0, 1), batch(0, 1, origin="replay", suffix="~replay-1"))

    assert [dict(message.headers() or ()).get("replay") for message in server.read(sink.topic)] == [
        None,
        b"true",
    ]


@both
def test_each_persons_events_stay_in_order_across_partitions(
    transactions: bool, server: KafkaServer, tmp_path: Path
) -> None:
    sink = sink_in(tmp_path, transactions=transactions, partitions=5)
    lines = [event_line(number, userId=f"u{number % 7}") for number in range(700)]

    write(sink, b"", *(batch_of(lines[start : start + 90], first=start) for start in range(0, 700, 90)))

    found: dict[Any, list[tuple[int | None, int]]] = {}
    for message in server.read(sink.topic):
        number = int(json.loads(message.value() or b"")["messageId"][1:])
        found.setdefault(message.key(), []).append((message.partition(), number))
    assert len({place for places in found.values() for place, _ in places}) > 1
    for user in range(7):
        places = found[f"u{user}".encode()]
        assert {place for place, _ in places} == {places[0][0]}
        assert [number for _, number in places] == list(range(user, 700, 7))


def test_a_topic_can_be_chosen_by_source_and_type(server: KafkaServer, tmp_path: Path) -> None:
    web, shop = (
        server.make_topic(tmp_path / "a", suffix="-web-track"),
        server.make_topic(tmp_path / "a", suffix="-my_shop-page"),
    )
    sink = Kafka(
        servers=(server.address,), topic=web.replace("web-track", "{source}-{type}"), security="plaintext"
    )
    dialect = {"dialect": "segment"}
    lines = [
        event_line(0, source={"name": "web", **dialect}),
        event_line(1, source={"name": "my shop", **dialect}, type="page"),
    ]

    write(sink, b"", batch_of(lines))

    assert (server.ids(web), server.ids(shop)) == (["m0"], ["m1"])


def of(original: Batch, **fields: Any) -> Batch:
    return msgspec.structs.replace(original, **fields)


def once(folder: Path) -> Kafka:
    return sink_in(folder, transactions=True)


def test_in_transactions_a_batch_that_is_longer_than_the_first_time_is_cut(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = once(tmp_path)
    write(sink, b"", batch(0, 3))

    write(sink, b"", batch(0, 2), batch(2, 5), batch(3, 5), batch(4, 6))

    assert server.ids(sink.topic) == ["m0", "m1", "m2", "m3", "m4", "m5"]


def test_in_transactions_a_range_whose_events_are_all_written_moves_the_position(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = once(tmp_path)
    write(sink, b"", batch(0, 3))

    write(sink, b"", Batch("archive", "0", 0, 9, (1,), batch(1, 2).data))
    write(sink, b"", batch(5, 10))

    assert server.ids(sink.topic) == ["m0", "m1", "m2", "m9"]


def test_in_transactions_positions_are_those_of_a_partition_and_an_epoch(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = once(tmp_path)

    for _ in range(2):
        write(sink, b"", batch(0, 1), batch(0, 1, partition="1"), of(batch(0, 1), epoch=2**64 - 1))

    assert server.ids(sink.topic) == ["m0"] * 3


@pytest.mark.anyio
async def test_in_transactions_a_process_that_is_not_the_last_to_begin_is_fenced(
    server: KafkaServer, tmp_path: Path
) -> None:
    sink = once(tmp_path)

    async with sink.connect("archive", b"") as old, sink.connect("archive", b"") as new:
        await old.write(batch(0, 2))
        await new.write(batch(0, 4))
        with pytest.raises(SinkUnavailable, match="another process"):
            await old.write(batch(2, 5))
    async with sink.connect("archive", b"") as again:
        await again.write(batch(2, 5))

    assert server.ids(sink.topic) == ["m0", "m1", "m2", "m3", "m4"]


def mistakes() -> Iterator[Any]:
    secret = Secret("p")
    yield pytest.param({"servers": ()}, "servers", id="no server")
    yield pytest.param({"topic": "a b"}, "topic", id="topic with a space")
    yield pytest.param({"topic": "{event}"}, "topic", id="unknown field")
    yield pytest.param({"topic": "{type}", "transactions": True}, "topic", id="transactions over topics")
    yield pytest.param({"security": "sasl_ssl"}, "user", id="SASL without a user")
    yield pytest.param({"user": "u", "password": secret}, "user", id="a user without SASL")
    yield pytest.param({"security": "plaintext", "ca": Path("/etc/hosts")}, "ca", id="a CA without TLS")
    yield pytest.param({"ca": Path("/no/such/file")}, "ca", id="a CA that is not there")
    yield pytest.param({"key": Path("/etc/hosts")}, "key", id="a key without its certificate")


@pytest.mark.parametrize(("keys", "place"), list(mistakes()))
def test_a_mistake_in_the_table_is_told_at_its_key(keys: dict[str, Any], place: str) -> None:
    found = list(Kafka(**{"servers": ("127.0.0.1:9092",), **keys}).check())

    assert [key for key, _ in found] == [place]


def test_a_topic_that_is_missing_is_a_misconfiguration(server: KafkaServer) -> None:
    sink = Kafka(servers=(server.address,), topic="no-such-topic", security="plaintext")

    with pytest.raises(SinkMisconfigured, match="Unknown topic"):
        write(sink, b"")
