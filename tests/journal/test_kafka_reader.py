"""Reading a topic of Kafka: records of others, and a topic that was replaced."""

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from gateway.journal.base import Position, UnknownPosition
from gateway.journal.kafka.client import Client
from gateway.journal.kafka.log import KafkaLog
from gateway.journal.kafka.reader import MARK
from tests.build import Read, event_line, event_lines, read_to_end
from tests.gateway import until
from tests.journal.engines import START, chunks_of
from tests.journal.kafka_topic import make_topic


def publish(client: Client, *records: tuple[bytes | None, bytes | None]) -> None:
    """Publish records, each with its key and value, to the first partition."""
    producer = client.producer({})
    for key, value in records:
        producer.produce(client.topic, value, key, 0)
    producer.flush()


def chunk_of(lines: list[bytes], flags: int = 0) -> list[tuple[bytes, bytes]]:
    """Return the records of a chunk."""
    return [(bytes([flags | (0 if place else MARK)]), line) for place, line in enumerate(lines)]


@pytest.fixture
def log(tmp_path: Path) -> KafkaLog:
    return KafkaLog(make_topic(tmp_path, 1), 1, 2**40)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param((None, b"{}"), id="no key"),
        pytest.param((b"u1", b"{}"), id="the key of somebody else"),
        pytest.param((b"\x80", None), id="no value"),
    ],
)
def test_a_record_that_no_gateway_appended_counts_as_damaged(
    log: KafkaLog, record: tuple[bytes | None, bytes | None]
) -> None:
    publish(log.client, *chunk_of(event_lines(0, 2)), record, record, *chunk_of(event_lines(4, 6)))

    assert read_to_end(log.reader("0"), START) == Read([*event_lines(0, 2), *event_lines(4, 6)], 2, 6)


def test_chunks_that_arrive_together_stay_apart(log: KafkaLog) -> None:
    publish(log.client, *chunk_of(event_lines(0, 2), 1), *chunk_of(event_lines(2, 3), 1))

    assert [(each.first, each.count) for each in chunks_of(log.reader("0"))] == [(0, 2), (2, 1)]


def test_positions_of_a_topic_that_was_made_again_are_unknown(log: KafkaLog) -> None:
    publish(log.client, *chunk_of(event_lines(0, 3)))
    before = read_to_position(log)
    topic, admin = log.client.topic, AdminClient(log.client.settings)
    admin.delete_topics([topic])[topic].result()
    until(lambda: log.client.find() is None)
    log.client.create(1, 1, {})
    publish(log.client, *chunk_of(event_lines(3, 7)))

    again = KafkaLog(log.client, 1, 2**40)

    assert not again.reader("0").accepts(before)
    with pytest.raises(UnknownPosition):
        again.reader("0").read(before)


def test_the_size_is_that_of_the_events(log: KafkaLog) -> None:
    large = event_line(0, properties={"filler": "x" * 20_000})
    publish(log.client, *chunk_of([large] * 10))

    size = log.size()

    assert 10 * len(large) <= size < 10.1 * len(large)


def read_to_position(log: KafkaLog) -> Position:
    """Return the position at the end."""
    position, reader = START, log.reader("0")
    while found := reader.read(position):
        position = found.end
    return position
