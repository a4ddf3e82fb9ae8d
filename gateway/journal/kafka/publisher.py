"""
Publishing records with an idempotent producer of librdkafka, which is replaced when it no longer works.

The producer repeats a batch whose answer got lost, and the broker stores it once. What is not stored within
LIVE_SECONDS fails, and is not published again: whoever sent the events is told to send them again. Such a
record may be stored all the same, by a broker that was slow; then both have the same messageId.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import KafkaError, Message, Producer

from gateway.journal.kafka.client import MAX_BATCH_BYTES, Client

log = structlog.get_logger()

LIVE_SECONDS = 1.5
"""How long a record is tried to be published; librdkafka may take a second longer to report its end."""
_POLL_SECONDS = 0.1
_FAILING_SECONDS = 10.0
"""A producer that has failed for so long is replaced, since some never recover (librdkafka#3584)."""
_RETIRED_SECONDS = 5.0
"""How long a producer that was replaced may report on what it had."""
_PASSING = frozenset({KafkaError._MSG_TIMED_OUT, KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
"""The errors of records after which a producer still works."""

_SETTINGS = {
    "acks": "all",
    "enable.idempotence": True,
    "message.timeout.ms": int(LIVE_SECONDS * 1000),
    "request.timeout.ms": int(LIVE_SECONDS * 1000),
    "retry.backoff.ms": 50,
    "retry.backoff.max.ms": 250,
    "linger.ms": 0,  # the appender has gathered
    "batch.size": MAX_BATCH_BYTES,
    "batch.num.messages": 100_000,
    "queue.buffering.max.messages": 10_000_000,  # the appender limits what waits
    "queue.buffering.max.kbytes": 1024 * 1024,
}

Report = Callable[[str], None]
"""Is told why records are not stored, or perhaps not; "" if all are. Called on the thread of a publisher."""


class Publisher:
    """Publishes on one thread, and reports on another. `publish` returns at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._trouble = ""
        """The last error of a connection, which often says why records were not stored."""
        self._replacement_reason = ""
        self._failing_since = float("inf")
        self._refused: deque[tuple[_Publication, KafkaError]] = deque()
        """Records that the producer did not take."""
        self._retired: list[tuple[Producer, float]] = []
        """Producers that were replaced, and until when they may report."""
        self._closing = False
        self._producer = self._new()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, partition: int, records: list[dict[str, Any]], report: Report) -> None:
        """Publish records, as `Producer.produce_batch` has them, in their order."""
        publication = _Publication(len(records), report, self)
        done = self._producer.produce_batch(
            self._client.topic, records, partition, on_delivery=publication.delivered
        )
        if done < len(records):
            self._refused += [
                (publication, each["_error"]) for each in records if each.get("_error") is not None
            ]

    def replace(self, reason: str) -> None:
        """Publish with another producer from now on, and give up what the present one has not published."""
        self._replacement_reason = reason

    def close(self) -> None:
        """Wait until everything is reported, and end the thread."""
        self._closing = True
        self._thread.join()

    def finish(self, publication: "_Publication") -> None:
        """Report what became of records. Runs on the thread of the publisher."""
        error = publication.error
        if error is None:
            self._failing_since = float("inf")
            return publication.report("")
        now = time.monotonic()
        self._failing_since = min(self._failing_since, now)
        if error.code() not in _PASSING:
            self.replace(error.name())
        elif now - self._failing_since > _FAILING_SECONDS:
            self.replace("no success")
            self._failing_since = now
        publication.report(self._trouble if error.code() in _PASSING and self._trouble else error.str())

    def _run(self) -> None:
        while True:
            self._producer.poll(_POLL_SECONDS)
            while self._refused:
                publication, error = self._refused.popleft()
                publication.delivered(error, None)
            if self._replacement_reason:
                self._replace()
            now = time.monotonic()
            for producer, _ in self._retired:
                producer.poll(0)
            self._retired = [each for each in self._retired if len(each[0]) and each[1] > now]
            if self._closing and not len(self._producer) and not self._retired:
                return

    def _replace(self) -> None:
        old, self._producer = self._producer, self._new()
        log.warning("Kafka producer replaced", reason=self._replacement_reason)
        self._replacement_reason = ""
        old.purge(blocking=False)
        self._retired.append((old, time.monotonic() + _RETIRED_SECONDS))

    def _new(self) -> Producer:
        return self._client.producer({**_SETTINGS, "error_cb": self._note})

    def _note(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # it does not say why
            self._trouble = error.str()
        if error.fatal():
            self.replace(error.name())


class _Publication:
    """Records that are published together. All of them are stored, or it is not known."""

    __slots__ = ("_left", "_publisher", "error", "report")

    def __init__(self, records: int, report: Report, publisher: Publisher) -> None:
        self.error: KafkaError | None = None
        self.report = report
        self._left = records
        self._publisher = publisher

    def delivered(self, error: KafkaError | None, _: Message | None) -> None:
        """Take note of what became of a record."""
        self._left -= 1
        if error is not None:
            self.error = error
        if not self._left:
            self._publisher.finish(self)
