"""
The writing side of a partition of the topic: publishes each chunk once, as a record for each event.

Any number of gateways may append to the same partition. Their chunks do not mix, unless the producer has to
split one into several batches.
"""

import asyncio
import time

from anyio import to_thread

from gateway.errors import JournalUnavailable
from gateway.journal.base import Promise
from gateway.journal.kafka.log import KafkaLog
from gateway.journal.kafka.producer import TopicProducer
from gateway.journal.kafka.reader import MARK


class Room:
    """How much the topic may still grow, when last checked."""

    def __init__(self, log: KafkaLog) -> None:
        self._log = log
        self._bytes = log.max_size

    def take(self, size: int) -> None:
        """Note bytes to be appended. Raises JournalUnavailable if there is no room for them."""
        if size > self._bytes:
            raise JournalUnavailable("the journal is full")
        self._bytes -= size

    def measure(self) -> None:
        """Ask the brokers. Blocks. Raises ConnectionError."""
        self._bytes = self._log.available()


class TopicPartition:
    """Implements journal.publisher.Partition. Bound to one event loop."""

    def __init__(
        self, log: KafkaLog, producer: TopicProducer, room: Room, promise: Promise, number: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._producer = producer
        self._room = room
        self._promise = promise
        self._number = number
        self._published: asyncio.Future[str] = self._loop.create_future()
        """Done when it is known what became of the events that were published last."""
        self._published.set_result("")

    async def append(self, block: bytes, carries: int, count: int, until: float) -> None:
        """
        Return once all brokers in sync have the events.

        Raises JournalUnavailable by `until`; they may be stored nevertheless, but never twice. Nothing is
        published before it is known what became of the previous events.
        """
        self._check()
        await self._wait(until)
        self._room.take(len(block))
        key = bytes([carries])
        records = [{"key": key, "value": line} for line in block.split(b"\n")[:-1]]
        records[0]["key"] = bytes([carries | MARK])
        published: asyncio.Future[str] = self._loop.create_future()

        def settle(error: str) -> None:
            if not published.done():
                published.set_result(error)

        def report(error: str) -> None:
            self._loop.call_soon_threadsafe(settle, error)

        self._published = published
        self._producer.publish(self._number, records, report)
        await self._wait(until)
        if error := published.result():
            raise JournalUnavailable(error)

    async def _wait(self, until: float) -> None:
        """Return once it is known what became of what was published. Raises JournalUnavailable by `until`."""
        if not self._published.done():
            await asyncio.wait((self._published,), timeout=max(0.0, until - time.monotonic()))
        if not self._published.done():
            raise JournalUnavailable(self._producer.trouble or "Kafka does not answer")

    async def probe(self, until: float) -> None:
        """Ask the brokers whether they would take events. Raises JournalUnavailable."""
        self._check()
        self._room.take(0)
        try:
            lacking = await to_thread.run_sync(self._log.client.lacking)
        except OSError as error:
            raise JournalUnavailable(str(error)) from error
        if self._number in lacking:
            raise JournalUnavailable(f"too few brokers have partition {self._number}")

    def _check(self) -> None:
        if self._promise.broken:
            raise JournalUnavailable(self._promise.broken)
