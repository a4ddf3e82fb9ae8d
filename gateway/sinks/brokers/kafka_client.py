"""Producers of librdkafka, which send messages and know when all of them are acknowledged."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from gateway.errors import SinkUnavailable
from gateway.sinks.brokers import kafka_failures

T = TypeVar("T")
Headers = list[tuple[str, str | bytes | None]]

_CHECK_SECONDS = 5.0
"""The time within which one of the brokers must be reached."""
_SLICE_SECONDS = 0.2
"""The longest time that a call takes to notice that its channel was closed."""
_SPARE_SECONDS = 5.0
"""The time that librdkafka may need to report messages that have timed out."""

_MIN_MESSAGE_BYTES = 1000  # the minimum that librdkafka accepts
_BATCH_OVERHEAD_BYTES = 512
_SILENT = logging.getLogger("librdkafka")
_SILENT.disabled = True  # errors come by callbacks
_PASSING = (
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError.CONCURRENT_TRANSACTIONS,
    # A consumer's errors do not say that they are temporary.
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)


class _Reports:
    """What librdkafka reports. Has no reference to the producer, which ends with its last reference."""

    def __init__(self) -> None:
        self.failed: dict[int, KafkaError] = {}
        """By index, the messages that were not delivered."""
        self.trouble: KafkaError | None = None
        """The last error of a connection to a broker."""

    def delivered(self, index: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.failed[index] = error

    def troubled(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # it does not say why
            self.trouble = error


class Channel:
    """
    An idempotent producer with a deadline. Calls block; one thread at a time may call, any thread may close.

    A producer that has lost its place among the brokers stays broken (librdkafka#3584): after a failure that
    is not about a single message, a channel must be replaced.
    """

    def __init__(self, settings: Mapping[str, Any], seconds: float) -> None:
        self._seconds = seconds
        self._reports = _Reports()
        self._closed = False
        with self.translated():
            self._producer = Producer(
                {
                    "acks": "all",
                    "enable.idempotence": True,
                    "partitioner": "murmur2_random",  # as in Java clients, so that topics can be joined
                    "message.timeout.ms": int(seconds * 1000),
                    "delivery.report.only.error": True,
                    **settings,
                    "logger": _SILENT,
                    "error_cb": self._reports.troubled,
                }
            )

    def check(self, topic: str | None) -> None:
        """Reach a broker, and find a topic unless it is None. Raises SinkError."""
        with self.translated():
            found = self._repeat(lambda seconds: self._producer.list_topics(topic, seconds), _CHECK_SECONDS)
            for each in found.topics.values() if topic else ():
                if each.error:
                    raise KafkaException(each.error)

    def send(self, index: int, topic: str, value: bytes, key: str | None, headers: Headers) -> None:
        """Queue a message. Raises KafkaException if it can never be sent, or SinkUnavailable."""
        report = partial(self._reports.delivered, index)
        while True:
            try:
                return self._producer.produce(topic, value, key, headers=headers, on_delivery=report)
            except BufferError:  # librdkafka's queue is full; it is being sent
                self._check_open()
                self._producer.poll(_SLICE_SECONDS)

    def flush(self) -> dict[int, KafkaError]:
        """Wait for all messages; return those that were not delivered, by index. Raises SinkError."""
        end = time.monotonic() + self._seconds + _SPARE_SECONDS
        with self.translated():
            while self._producer.flush(_SLICE_SECONDS):
                self._check_open()
                if time.monotonic() > end:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        failed, self._reports.failed = self._reports.failed, {}
        return failed

    def close(self) -> None:
        """Drop unsent messages, and end the producer once a call in another thread has failed."""
        self._closed = True
        self._producer.purge(blocking=False)
        del self._producer  # the last reference; its own `close` waits for brokers indefinitely

    @property
    def trouble(self) -> KafkaError | None:
        """The last error of a connection to a broker."""
        return self._reports.trouble

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise SinkUnavailable or SinkMisconfigured for the driver's exceptions."""
        try:
            yield
        except KafkaException as error:
            [cause] = error.args
            raise kafka_failures.translate([cause], self._reports.trouble) from error

    def _repeat(self, call: Callable[[float], T], seconds: float | None = None) -> T:
        """Call with a short timeout, repeatedly if necessary until the deadline."""
        end = time.monotonic() + (seconds or self._seconds)
        while True:
            try:
                return call(_SLICE_SECONDS)
            except KafkaException as error:
                [cause] = error.args
                self._producer.poll(_SLICE_SECONDS)  # reports errors
                hopeless = self.trouble and self.trouble.code() in kafka_failures.MISCONFIGURED
                passing = cause.retriable() or cause.code() in _PASSING
                if not passing or hopeless or time.monotonic() > end:
                    raise
                self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise SinkUnavailable("the sink was closed")


class Transactions(Channel):
    """
    A producer whose messages become visible together with a position, or never.

    The position is the committed offset of a consumer group without members. Whoever opens the same `id` last
    excludes the others.
    """

    def __init__(self, settings: Mapping[str, Any], seconds: float, id: str, topic: str) -> None:
        """Raises SinkError. What another process began with the same `id` is aborted or completed."""
        super().__init__({**settings, "transactional.id": id}, seconds)
        self._topic = topic
        with self.translated():
            self._repeat(self._producer.init_transactions)
            consumer = Consumer({**settings, "group.id": id, "enable.auto.commit": False})
            try:
                place = TopicPartition(topic, 0)
                [found] = self._repeat(lambda seconds: consumer.committed([place], seconds))
                self._group = consumer.consumer_group_metadata()
            finally:
                consumer.close()
        self.position = max(found.offset, 0)  # negative if there is none
        """The position that was committed last."""

    def begin(self) -> None:
        with self.translated():
            self._producer.begin_transaction()

    def abort(self) -> None:
        with self.translated():
            self._repeat(self._producer.abort_transaction)
        self._reports.failed.clear()  # what was purged

    def commit(self, position: int) -> None:
        """Make the messages visible, together with the position."""
        with self.translated():
            place = TopicPartition(self._topic, 0, position)
            self._producer.send_offsets_to_transaction([place], self._group, self._seconds)
            self._repeat(self._producer.commit_transaction)
        self.position = position


def size_limits(settings: Mapping[str, Any], topic: str) -> dict[str, int]:
    """
    Return the settings that make messages fit a topic; none if the brokers do not tell its limit.

    The limit applies to messages that are sent together. librdkafka sends 1 MB together, which a topic with a
    lower limit would refuse as a whole; larger messages it refuses itself, although a topic may allow them.
    """
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    client = AdminClient(dict(settings))
    try:
        found = client.describe_configs([resource], request_timeout=_CHECK_SECONDS)[resource].result()
    except KafkaException:  # the right to ask may be missing
        return {}
    limit = max(int(found["max.message.bytes"].value), _MIN_MESSAGE_BYTES)
    return {"message.max.bytes": limit, "batch.size": max(limit - _BATCH_OVERHEAD_BYTES, 1)}
