"""What the readers of a process share: answers about the partitions, consumers, and the id of the topic."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer

from gateway.journal.kafka.client import NEWEST, OLDEST, Client, End, since

_SHARED_SECONDS = 0.005
"""How long an answer about all partitions is given to readers that have not had it yet."""
_IDLE_CONSUMERS = 4


class Bounds(NamedTuple):
    """What brokers said about a partition at one time."""

    answer: int
    """The number of the answer about all partitions."""
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
        self._leaders: dict[int, int] = {}
        """By partition, the epoch of the latest known leader."""
        self._number = 0

    def bounds(self, partition: int, seen: int) -> Bounds:
        """
        Return what brokers say about a partition now, or have just said to another reader.

        One request covers all partitions. `seen` is the last answer that the caller had, which it is not
        given again.
        """
        with self._asking:
            if self.answer == seen or time.monotonic() - self._answered_at > _SHARED_SECONDS:
                self._ask()
            found = self._bounds[partition]
        if isinstance(found, ConnectionError):
            raise ConnectionError(*found.args)
        return found

    def learn(self, partition: int, leader: int) -> None:
        """Note the epoch of a leader, so that answers of earlier leaders do not count."""
        self._leaders[partition] = max(leader, self._leaders.get(partition, leader))

    def number(self) -> int:
        """Return an odd 31-bit number that stands for the topic's id, which is requested once."""
        if not self._number:
            found = self.client.find()
            if found is None:
                raise ConnectionError(f"Kafka has no topic {self.client.topic}")
            self._number = int.from_bytes(found.id) & 0x7FFFFFFF | 1
        return self._number

    def borrow(self) -> Consumer:
        """Return a consumer without partitions, which must be given back."""
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

    def first_since(self, milliseconds: int, partitions: Iterable[int]) -> dict[int, int]:
        """Return each partition's first offset from a time (since 1970) on; -1 if there is none."""
        [found] = self.client.ends(dict.fromkeys(partitions, since(milliseconds)))
        return {number: _answered(end).offset for number, end in found.items()}

    def _ask(self) -> None:
        oldest, newest = self.client.ends(
            dict.fromkeys(self.numbers, OLDEST), dict.fromkeys(self.numbers, NEWEST)
        )
        self.answer += 1
        for number in self.numbers:
            try:
                end = _answered(newest[number])
                if end.leader_epoch < self._leaders.get(number, -1):
                    raise ConnectionError("Kafka: an old leader answers")
                self.learn(number, end.leader_epoch)
                self._bounds[number] = Bounds(self.answer, _answered(oldest[number]).offset, end)
            except ConnectionError as error:
                self._bounds[number] = error
        self._answered_at = time.monotonic()


def _answered(end: End | ConnectionError) -> End:
    if isinstance(end, ConnectionError):
        raise end
    return end
