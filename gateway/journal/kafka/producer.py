"""
Publishing records with an idempotent producer of librdkafka, which is replaced when it no longer works.

The producer repeats a batch whose answer was lost, and the broker stores it once. It never gives up by
itself: after a record has timed out, librdkafka renumbers those in flight, and brokers that have already
stored them store them again (librdkafka#4953). What a producer had when it was replaced is not published
again.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import KafkaError, Message, Producer

from gateway.journal.kafka.client import MAX_BATCH_BYTES, Client

log = structlog.get_logger()

_POLL_SECONDS = 0.1
_REQUEST_SECONDS = 1.5
_LOST_SECONDS = 15.0
"""The time by which a producer must have reported on records: some never recover (librdkafka#3584)."""
_RETIRED_SECONDS = 5.0
"""How long a replaced producer may still report on what it had."""
_CLOSING_SECONDS = 2.0
_HARMLESS = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError.MSG_SIZE_TOO_LARGE})
"""Errors of records after which a producer still works."""

_SETTINGS = {
    "acks": "all",
    "enable.idempotence": True,
    "message.timeout.ms": 0,
    "request.timeout.ms": int(_REQUEST_SECONDS * 1000),
    # A request that has timed out does not make librdkafka ask for another leader.
    "topic.metadata.refresh.interval.ms": 500,
    "retry.backoff.ms": 50,
    "retry.backoff.max.ms": 250,
    "linger.ms": 1,  # long enough for the records of one commit to become one batch
    "batch.size": MAX_BATCH_BYTES,
    "batch.num.messages": 100_000,
    "queue.buffering.max.messages": 10_000_000,  # the appender limits what is waiting
    "queue.buffering.max.kbytes": 1024 * 1024,
}

Report = Callable[[str], None]
"""
Called with the reason why records are not, or may not be, stored; "" if all are. Called on the thread of a
producer, and again if the outcome becomes known later.
"""


class TopicProducer:
    """Publishes on one thread, and reports on another. `publish` returns at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.trouble = ""
        """The last connection error since records were stored, which often says why others are not stored."""
        self._replacement_reason = ""
        self._pending: dict[_Publication, float] = {}
        """When the records whose outcome is not known yet were published, the oldest first."""
        self._refused: deque[tuple[_Publication, KafkaError]] = deque()
        """Records that the producer did not take."""
        self._retired: list[tuple[Producer, float]] = []
        """Replaced producers, and until when they may report."""
        self._closing_at = float("inf")
        self._producer = self._new()
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self._thread.start()

    def publish(self, partition: int, records: list[dict[str, Any]], report: Report) -> None:
        """Publish records, in the form that `Producer.produce_batch` takes, in their order."""
        publication = _Publication(len(records), report, self)
        self._pending[publication] = time.monotonic()
        taken = self._producer.produce_batch(
            self._client.topic, records, partition, on_delivery=publication.delivered
        )
        if taken < len(records):
            refused = (each["_error"] for each in records if each.get("_error") is not None)
            self._refused += [(publication, error) for error in refused]

    def replace(self, reason: str) -> None:
        """Publish with another producer from now on; give up what the current one has not published."""
        self._replacement_reason = reason

    def close(self) -> None:
        """Wait until everything is reported, or give up after a while, and end the thread."""
        self._closing_at = time.monotonic() + _CLOSING_SECONDS
        self._thread.join()

    def finish(self, publication: "_Publication") -> None:
        """Report what became of records. Runs on the thread of the producer."""
        self._pending.pop(publication, None)
        error = publication.error
        if error is None:
            self.trouble = ""
            return publication.report("")
        if error.code() not in _HARMLESS:
            self.replace(error.name())
        return publication.report(error.str())

    def _run(self) -> None:
        try:
            self._report()
        except BaseException:
            # Appends would wait in vain for a thread that has ended; the supervisor restarts the process.
            log.exception("thread of the producer failed, process exits")
            os._exit(70)

    def _report(self) -> None:
        while True:
            self._producer.poll(_POLL_SECONDS)
            while self._refused:
                publication, error = self._refused.popleft()
                publication.delivered(error, None)
            for producer, _ in self._retired:
                producer.poll(0)
            now = time.monotonic()
            self._retired = [each for each in self._retired if len(each[0]) and each[1] > now]
            self._look_for_lost(now)
            if self._replacement_reason:
                self._replace()
            if self._closing_at <= now or (self._closing_at < float("inf") and not self._pending):
                return self._producer.purge(blocking=False)

    def _look_for_lost(self, now: float) -> None:
        """Give up records whose outcome was never reported, and the producer that did not report it."""
        for publication, published_at in list(self._pending.items()):
            if now - published_at < _LOST_SECONDS:
                return
            self._pending.pop(publication, None)
            self.replace("no report")
            publication.report(self.trouble or "no report")

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
            self.trouble = error.str()
        if error.fatal():
            self.replace(error.name())


class _Publication:
    """Records that are published together. Either all are known to be stored, or the outcome is unknown."""

    __slots__ = ("_left", "_producer", "error", "report")

    def __init__(self, records: int, report: Report, producer: TopicProducer) -> None:
        self.error: KafkaError | None = None
        self.report = report
        self._left = records
        self._producer = producer

    def delivered(self, error: KafkaError | None, _: Message | None) -> None:
        """Note what became of a record."""
        self._left -= 1
        if error is not None:
            self.error = error
        if not self._left:
            self._producer.finish(self)
