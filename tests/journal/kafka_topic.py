"""The engine kafka for the contract of the journal: a topic of its own for each test."""

import hashlib
from functools import cache
from pathlib import Path

from anyio import to_thread
from confluent_kafka import Producer

from gateway.journal.base import Promise
from gateway.journal.kafka.client import Client
from gateway.journal.kafka.log import KafkaLog
from gateway.journal.kafka.partition import Room, TopicPartition
from gateway.journal.kafka.producer import TopicProducer
from gateway.journal.kafka.promise import settings
from gateway.journal.publisher import MAX_CHUNK_BYTES, Publisher, Waiting
from gateway.journal.spread import Spread
from tests.sinks.kafka_server import KafkaServer, kafka_server

PARTITIONS = 2


@cache
def warm_server() -> KafkaServer:
    """Return the shared server, which has taken an event: the first one may take longer than others may."""
    server = kafka_server()
    topic = server.make_topic(Path("warm"))
    producer = Producer({"bootstrap.servers": server.address, "enable.idempotence": True, "log_level": 0})
    producer.produce(topic, b"warm")
    producer.flush()
    return server


def make_topic(folder: Path, partitions: int) -> Client:
    """Create the topic of a journal, named after the folder of a test, on a server of one node."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
    client = Client((warm_server().address,), f"journal-{name}")
    client.create(partitions, 1, {**settings(3, "quorum"), "min.insync.replicas": "1"})
    return client


class TopicAppender(Spread):
    """Appends to one partition, with a producer of its own."""

    def __init__(self, log: KafkaLog, partition: int) -> None:
        promise, waiting = Promise("quorum"), Waiting()
        self.producer, self.room = TopicProducer(log.client), Room(log)
        appended = TopicPartition(log, self.producer, self.room, promise, partition)
        super().__init__([Publisher(appended, waiting)], waiting, promise)

    async def close(self) -> None:
        await super().close()
        await to_thread.run_sync(self.producer.close)


class OnKafka:
    """An engine of the contract tests: a topic of its own on the shared server of one node."""

    largest_event = MAX_CHUNK_BYTES - 1000

    def __init__(self, folder: Path) -> None:
        self.log = KafkaLog(make_topic(folder, PARTITIONS), PARTITIONS, 2**40)

    def appender(self, partition: str) -> TopicAppender:
        return TopicAppender(self.log, int(partition))

    def crashed(self) -> "OnKafka":
        """Return the same: a gateway that is killed leaves nothing to recover."""
        return self

    def close(self) -> None:
        pass
