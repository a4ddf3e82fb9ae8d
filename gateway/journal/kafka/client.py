"""The topic of the journal: connections to its brokers, and requests about it."""

import logging
import time
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import msgspec
from confluent_kafka import (
    OFFSET_END,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._topic import TopicDescription
from confluent_kafka.cimpl import NewTopic

T = TypeVar("T")

REQUEST_SECONDS = 2.0
"""The time within which brokers must answer a request."""
MAX_BATCH_BYTES = 1_000_000
"""The largest record batch in bytes, below the 1 MB of `max.message.bytes`."""
_CREATE_SECONDS = 15.0
_RETRY_SECONDS = 0.05
_MAX_REASONS = 20
_SILENT = logging.getLogger("librdkafka")
_SILENT.disabled = True  # errors are raised

OLDEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
NEWEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]

_COMMON = {
    "client.id": "event-gateway",
    "log_level": 0,  # to standard error
    "logger": _SILENT,
    # Brokers that were away are found within a fraction of a second.
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 250,
    "socket.connection.setup.timeout.ms": 1000,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "topic.metadata.refresh.interval.ms": 2000,
    "socket.keepalive.enable": True,
    "allow.auto.create.topics": False,
}
_READING = {
    "group.id": "event-gateway",  # nobody joins it: partitions are assigned, positions are in the state
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_uncommitted",  # there are no transactions; unreplicated records stay unseen
    "check.crcs": True,
    "fetch.wait.max.ms": 250,
    "fetch.error.backoff.ms": 50,
    "fetch.queue.backoff.ms": 5,
    "queued.min.messages": 2000,
    "queued.max.messages.kbytes": 4096,
    "fetch.message.max.bytes": 2 * MAX_BATCH_BYTES,
    "socket.timeout.ms": 5000,
}


class Topic(NamedTuple):
    """What brokers say about the topic."""

    id: bytes
    """16 bytes, which no other topic ever has, not even one of the same name."""
    partitions: int
    replicas: int
    """The replicas of the partition that has the fewest."""


class End(NamedTuple):
    """An offset of a partition, and the epoch of its leader."""

    offset: int
    leader_epoch: int


class Client(msgspec.Struct, frozen=True, dict=True):
    """
    The brokers and the topic. Thread-safe; connects when first used, which must not be before a fork.

    Every method blocks for up to REQUEST_SECONDS, and raises ConnectionError.
    """

    servers: tuple[str, ...]
    """The first brokers to ask, as "host:port", or with the protocol before it, such as "SSL://host:port"."""
    topic: str
    user: str = ""
    password: str = ""
    ca: str = ""
    """The file with the CA certificates, as PEM; by default the system's."""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of librdkafka, with the password."""
        protocol = self.servers[0].rpartition("://")[0]
        if not protocol:
            protocol = ("SASL_" if self.user else "") + ("SSL" if self.ca else "PLAINTEXT")
        given = {
            "sasl.mechanism": "SCRAM-SHA-512" if self.user else "",
            "sasl.username": self.user,
            "sasl.password": self.password,
            "ssl.ca.location": self.ca,
        }
        return {
            **_COMMON,
            "bootstrap.servers": ",".join(server.rpartition("://")[2] for server in self.servers),
            "security.protocol": protocol.lower(),
            **{name: value for name, value in given.items() if value},
        }

    def consumer(self) -> Consumer:
        return Consumer({**self.settings, **_READING})

    def producer(self, settings: Mapping[str, Any]) -> Producer:
        return Producer({**self.settings, **settings})

    def find(self) -> Topic | None:
        """Return the topic, or None if there is none with this name."""
        wanted = TopicCollection([self.topic])
        with self._raising():
            answers = self._admin.describe_topics(wanted, request_timeout=REQUEST_SECONDS)
            try:
                found: TopicDescription = answers[self.topic].result()
            except KafkaException as error:
                [cause] = error.args
                if cause.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
                return None
        replicas = min((len(each.replicas) for each in found.partitions), default=0)
        return Topic(urlsafe_b64decode(f"{found.topic_id}=="), len(found.partitions), replicas)

    def create(self, partitions: int, replicas: int, config: Mapping[str, str]) -> None:
        """Create the topic, unless another gateway has just done so, and wait until it can be used."""
        topic = NewTopic(self.topic, partitions, replicas, config=dict(config))
        seconds = {"operation_timeout": _CREATE_SECONDS, "request_timeout": _CREATE_SECONDS}
        with self._raising():
            try:
                self._admin.create_topics([topic], **seconds)[self.topic].result()
            except KafkaException as error:
                [cause] = error.args
                if cause.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        end = time.monotonic() + _CREATE_SECONDS
        while True:
            try:
                [found] = self.ends(dict.fromkeys(range(partitions), NEWEST))
                if not any(isinstance(each, ConnectionError) for each in found.values()):
                    return
            except ConnectionError:
                pass
            if time.monotonic() > end:
                raise ConnectionError(f"Kafka: topic {self.topic} was created, and has no leaders")
            time.sleep(_RETRY_SECONDS)

    def config(self) -> dict[str, str]:
        """Return the topic's configuration that is in effect."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, self.topic)
        with self._raising():
            answer = self._admin.describe_configs([resource], request_timeout=REQUEST_SECONDS)[resource]
            return {name: entry.value or "" for name, entry in answer.result().items()}

    def lacking(self) -> set[int]:
        """Return the partitions that have no leader, or too few replicas in sync to be appended to."""
        least = int(self.config()["min.insync.replicas"])
        with self._raising():
            found = self._admin.list_topics(self.topic, REQUEST_SECONDS).topics[self.topic]
            if found.error:
                raise KafkaException(found.error)
        partitions = found.partitions.values()
        return {each.id for each in partitions if each.leader < 0 or len(each.isrs) < least}

    def ends(self, *questions: Mapping[int, OffsetSpec]) -> list[dict[int, End | ConnectionError]]:
        """
        Return the offset in each partition for each question: OLDEST, NEWEST or `since`.

        Each is the answer of the partition's leader, or why there is none.
        """
        found = self._ends(questions)
        if any(isinstance(end, ConnectionError) for answers in found for end in answers.values()):
            # librdkafka 2.16 keeps asking a broker that is no longer the leader.
            self._look_for_leaders()
            found = self._ends(questions)
        return found

    def delete_before(self, offsets: Mapping[int, int]) -> None:
        """Delete the records of each partition before an offset."""
        wanted = [TopicPartition(self.topic, partition, offset) for partition, offset in offsets.items()]
        try:
            with self._raising():
                for answer in self._admin.delete_records(wanted, request_timeout=REQUEST_SECONDS).values():
                    answer.result()
        except ConnectionError:
            self._look_for_leaders()  # for the next time
            raise

    @cached_property
    def _admin(self) -> AdminClient:
        own: dict[str, Any] = {
            "socket.timeout.ms": int(REQUEST_SECONDS * 1000),
            "error_cb": self._reasons.append,
        }
        return AdminClient({**self.settings, **own})

    @cached_property
    def _reasons(self) -> deque[KafkaError]:
        """Why brokers could not be reached recently, such as a wrong password."""
        return deque(maxlen=_MAX_REASONS)

    @contextmanager
    def _raising(self) -> Iterator[None]:
        """Like `raising`, but with the reason why an answer did not come."""
        self._admin.poll(0)  # runs the callbacks
        self._reasons.clear()
        try:
            yield
        except KafkaException as error:
            [cause] = error.args
            self._admin.poll(0)
            if cause.code() == KafkaError._TIMED_OUT:
                told = [each for each in tuple(self._reasons) if each.code() != KafkaError._ALL_BROKERS_DOWN]
                cause = told[-1] if told else cause
            raise failure(cause) from error

    def _look_for_leaders(self) -> None:
        with self._raising():
            self._admin.list_topics(self.topic, REQUEST_SECONDS)

    def _ends(self, questions: Iterable[Mapping[int, OffsetSpec]]) -> list[dict[int, End | ConnectionError]]:
        settings = {"isolation_level": IsolationLevel.READ_UNCOMMITTED, "request_timeout": REQUEST_SECONDS}
        with self._raising():
            asked = [
                self._admin.list_offsets(
                    {TopicPartition(self.topic, number): spec for number, spec in wanted.items()}, **settings
                )
                for wanted in questions
            ]
        return [{each.partition: _end(future) for each, future in answers.items()} for answers in asked]


def since(milliseconds: int) -> OffsetSpec:
    """Ask for the first record from a time (since 1970) on; its offset is -1 if there is none."""
    found: OffsetSpec = OffsetSpec.for_timestamp(milliseconds)
    return found


def _end(answer: Future[Any]) -> End | ConnectionError:
    try:
        found = answer.result()
    except KafkaException as error:
        [cause] = error.args
        return failure(cause)
    if found.offset < OFFSET_END:  # librdkafka has not asked, and does not say so
        return ConnectionError("Kafka: the leader of a partition is not known")
    return End(found.offset, -1 if found.leader_epoch is None else found.leader_epoch)


def failure(error: KafkaError) -> ConnectionError:
    """Return the exception for a Kafka error."""
    return ConnectionError(f"Kafka: {error.name()}: {error.str()}")


@contextmanager
def raising() -> Iterator[None]:
    """Raise ConnectionError for the driver's exceptions."""
    try:
        yield
    except KafkaException as error:
        [cause] = error.args
        raise failure(cause) from error
