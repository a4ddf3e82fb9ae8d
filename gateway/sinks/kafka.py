"""
Publish events to Kafka, or to a system with its protocol: Redpanda, Event Hubs, MSK.

A message is a canonical event; its key is the person, so that a person's events keep their order. With
`transactions`, consumers that read committed messages get each event once: the position up to which a
partition of the journal is written is a committed offset, which changes in the transaction that writes the
events. Otherwise consumers can compare the header `message-id`.
"""

import re
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

from anyio import CancelScope, to_thread
from confluent_kafka import KafkaError, KafkaException

from gateway.config.secret import Secret
from gateway.errors import Culprit, SinkError, SinkRefused
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.brokers import excerpt, kafka_failures, names
from gateway.sinks.brokers.excerpt import Excerpt
from gateway.sinks.brokers.kafka_client import Channel, Headers, Transactions, size_limits

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9._-]", re.ASCII)
_MIN_QUEUE_MESSAGES = 100_000  # librdkafka's default
_REPLAY: Headers = [("replay", b"true")]


class Kafka(Sink, tag="kafka", kw_only=True):
    servers: tuple[str, ...]
    """The first brokers to ask, as "host:port"."""
    topic: str = "events"
    """{source} and {type} in it stand for an event's source and type."""
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "ssl"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """The SASL mechanism."""
    user: str = ""
    password: Secret | None = None
    ca: Path | None = None
    """The CA certificates, as PEM; by default the system's."""
    certificate: Path | None = None
    """The certificate that the gateway presents, as PEM."""
    key: Path | None = None
    """The key of that certificate."""
    transactions: bool = False

    write_seconds: ClassVar[float] = 30
    """The longest time for one batch; brokers that take longer are unavailable."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if not self.servers:
            yield "servers", 'missing; expected addresses such as "kafka.example.com:9092"'
        for text in names.mistakes(self.topic, _NAME):
            yield "topic", text
        if self.transactions and not names.is_fixed(self.topic):
            yield "topic", "transactions need a single topic, without {source} and {type}"
        with_sasl, with_tls = self.security.startswith("sasl_"), self.security.endswith("ssl")
        if with_sasl != bool(self.user and self.password):
            yield "user", f'security = "{self.security}" needs {"a" if with_sasl else "no"} user and password'
        for key in ("ca", "certificate", "key"):
            file = getattr(self, key)
            if file and not with_tls:
                yield key, f'security = "{self.security}" has no certificates'
            elif file and not file.is_file():
                yield key, f"there is no file {file}"
        if bool(self.certificate) != bool(self.key):
            yield "key", "a certificate needs its key, and a key its certificate"

    @property
    def target(self) -> str:
        return f"{self.topic} at {', '.join(self.servers)}"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of librdkafka, with the password."""
        given = {
            "sasl.mechanism": self.mechanism if self.user else "",
            "sasl.username": self.user,
            "sasl.password": self.password.reveal() if self.password else "",
            "ssl.ca.location": str(self.ca or ""),
            "ssl.certificate.location": str(self.certificate or ""),
            "ssl.key.location": str(self.key or ""),
        }
        return {
            "bootstrap.servers": ",".join(self.servers),
            "client.id": "event-gateway",
            "security.protocol": self.security,
            "log_level": 0,  # to standard error
            **{name: value for name, value in given.items() if value},
        }

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        connection = KafkaConnection(self, name)
        try:
            await to_thread.run_sync(connection.open, abandon_on_cancel=True)
            yield connection
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(connection.close)


class KafkaConnection:
    """Sends each batch as a whole, and waits until all of it is acknowledged; in another thread."""

    receipt = b""

    def __init__(self, sink: Kafka, name: str) -> None:
        self._sink = sink
        self._name = name
        self._names = names.Names(sink.topic, _escape)
        queued = max(_MIN_QUEUE_MESSAGES, 2 * sink.batch_events)
        self._settings = sink.settings | {"queue.buffering.max.messages": queued}
        self._channel = Channel(self._settings, sink.write_seconds)
        self._transactions: dict[tuple[str, bool], tuple[str, Transactions]] = {}
        """Ids and channels by partition of the journal, for live events and for the last job."""

    def open(self) -> None:
        """Find the brokers, the topic and its limit. Raises SinkError."""
        topic = self._sink.topic if names.is_fixed(self._sink.topic) else None
        self._channel.check(topic)
        limits = size_limits(self._sink.settings, topic) if topic else {}
        if limits:
            self._channel.close()
            self._settings |= limits
            self._channel = Channel(self._settings, self._sink.write_seconds)

    def close(self) -> None:
        for channel in (self._channel, *(channel for _, channel in self._transactions.values())):
            channel.close()

    async def write(self, batch: Batch, /) -> bytes:
        await to_thread.run_sync(self._write, batch, abandon_on_cancel=True)
        return b""

    def _write(self, batch: Batch) -> None:
        excerpts = excerpt.read(batch)
        if self._sink.transactions:
            self._write_in_transaction(batch, excerpts)
        else:
            error = self._publish(self._channel, batch, excerpts)
            if error:
                raise error

    def _write_in_transaction(self, batch: Batch, excerpts: list[Excerpt]) -> None:
        channel = self._transactional(batch)
        if batch.end <= channel.position:
            return  # an earlier connection wrote it, and was cut off before the answer
        first = bisect_left(batch.positions, channel.position)
        channel.begin()
        error = self._publish(channel, batch, excerpts, first)
        if isinstance(error, SinkRefused):
            channel.abort()
        if error:
            error.delivered = range(first)
            raise error
        channel.commit(batch.end)

    def _transactional(self, batch: Batch) -> Transactions:
        """
        Return the channel of a batch's partition, or of the partition in a job.

        Each job has its own position, since it may pass the same events once more.
        """
        is_live = batch.origin == "live"
        place = batch.partition, is_live
        id = f"event-gateway.{self._name}.{batch.partition}.{batch.epoch:016x}"
        if not is_live:
            id += batch.suffix
        known, channel = self._transactions.get(place, ("", None))
        if channel is None or known != id:
            if channel:
                del self._transactions[place]
                channel.close()
            channel = Transactions(self._settings, self._sink.write_seconds, id, self._sink.topic)
            self._transactions[place] = id, channel
        return channel

    def _publish(
        self, channel: Channel, batch: Batch, excerpts: list[Excerpt], first: int = 0
    ) -> SinkError | None:
        """Send the events from an index on; return why some were not delivered, if any."""
        lines, positions, partition = batch.lines, batch.positions, batch.partition
        name, send = self._names.name, channel.send
        marks = _REPLAY if batch.origin == "replay" else []
        culprits: dict[int, Culprit] = {}
        for index in range(first, len(lines)):
            each = excerpts[index]
            headers: Headers = [
                ("message-id", each.message_id),
                ("position", f"{partition}/{positions[index]}"),
                *marks,
            ]
            try:
                send(index, name(each), lines[index], each.person or None, headers)
            except KafkaException as error:
                [cause] = error.args
                if cause.code() not in kafka_failures.REFUSED:
                    return kafka_failures.translate([cause], channel.trouble)
                culprits[index] = kafka_failures.culprit(cause)
        failed = channel.flush()
        if not failed and not culprits:
            return None
        others = [error for error in failed.values() if error.code() not in kafka_failures.REFUSED]
        if len(failed) == 1 and not others:  # of several sent together, brokers do not say which is at fault
            culprits |= {index: kafka_failures.culprit(error) for index, error in failed.items()}
        delivered = delivered_of(excerpts, failed, culprits)
        if others:
            error_of_all = kafka_failures.translate(others, channel.trouble)
            error_of_all.delivered = delivered
            return error_of_all
        reasons = [*culprits.values(), *map(kafka_failures.culprit, failed.values())]
        message, code, answer = reasons[0]
        return SinkRefused(message, culprits, code=code, answer=answer, delivered=delivered)


def delivered_of(
    excerpts: list[Excerpt], failed: Mapping[int, KafkaError], culprits: Mapping[int, Culprit]
) -> list[int]:
    """Return the events that need not be sent again, so that none precedes an earlier one of its person."""
    delivered = []
    behind: set[str] = set()
    for index, each in enumerate(excerpts):
        if index in failed and index not in culprits:
            behind.add(each.person)
        elif index not in culprits and each.person not in behind:
            delivered.append(index)
    return delivered


def _escape(text: str) -> str:
    """Return a text as part of a topic's name, which Kafka limits to these characters."""
    return _NOT_IN_NAMES.sub("_", text)
