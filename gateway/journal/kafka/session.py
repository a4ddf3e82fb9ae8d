"""What the readers of a process share: answers about the partitions, consumers, and the id of the topic."""

import threading
import time
from collections import deque
from typing import NamedTuple

from confluent_kafka import Consumer

from gateway.journal.kafka.client import Client, End

_SHARED_SECONDS = 0.005
"""How long an answer about all partitions serves readers that have not had it yet."""
_IDLE_CONSUMERS = 4


class Bounds(NamedTuple):
    """What brokers said of a partition at one time."""

    answer: int
    """A number that each answer about all partitions has."""
    oldest: int
    newest: End


class Session:
    """Thread-safe. Every method blocks and may raise ConnectionError."""

    def __init__(self, client: Client, partitions: int) -> None:
        self.client = client
        self.numbers = range(partitions)
        self.answer = 0
        """The number of the last answer about all partitions."""
        self._asking = threading.Lock()
        self._answered_at = float("-inf")
        self._bounds: dict[int, Bounds | ConnectionError] = {}
        self._idle: deque[Consumer] = deque()
        self._id = b""

    def bounds(self, partition: int, seen: int) -> Bounds:
        """
        Return what brokers say of a partition now, or have just said to another reader.

        One question is about all partitions. `seen` is the last answer that the caller had, which does not
        serve it again.
        """
        with self._asking:
            if self.answer == seen or time.monotonic() - self._answered_at > _SHARED_SECONDS:
                self._ask()
            found = self._bounds[partition]
        if isinstance(found, ConnectionError):
            raise ConnectionError(*found.args)
        return found

    def identity(self) -> bytes:
        """Return the id of the topic, which is asked for once."""
        if not self._id:
            found = self.client.find()
            if found is None:
                raise ConnectionError(f"Kafka has no topic {self.client.topic}")
            self._id = found.id
        return self._id

    def borrow(self) -> Consumer:
        """Return a consumer without partitions, to be given back."""
        try:
            return self._idle.pop()
        except IndexError:
            return self.client.consumer()

    def give_back(self, consumer: Consumer) -> None:
        if len(self._idle) < _IDLE_CONSUMERS:
            consumer.unassign()
            self._idle.append(consumer)
        else:
            consumer.close()

    def _ask(self) -> None:
        oldest, newest = self.client.oldest(self.numbers), self.client.newest(self.numbers)
        self.answer += 1
        for number in self.numbers:
            try:
                self._bounds[number] = Bounds(self.answer, oldest(number).offset, newest(number))
            except ConnectionError as error:
                self._bounds[number] = error
        self._answered_at = time.monotonic()
