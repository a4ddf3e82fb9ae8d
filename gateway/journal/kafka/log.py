"""The journal as a Kafka topic: what it holds, how large it is, and what is deleted."""

import time
from collections.abc import Mapping

from gateway.journal.base import Position
from gateway.journal.kafka.client import Client
from gateway.journal.kafka.reader import Reader
from gateway.journal.kafka.session import Bounds, Session

_MEAN_SECONDS = 60.0
"""How long the mean event size of a partition remains valid."""
_SAMPLE_BYTES = 100_000
_SAMPLE_EVENTS = 50
_OVERHEAD_BYTES = 12
"""The overhead of a record with a one-byte key, and its share of a batch's."""
_LOW_SPACE_SHARE = 8
"""With less than this fraction of max_size left, delivered events are released early: 1/8."""


class KafkaLog:
    """
    Implements journal.base.Log. An event is a record, whose offset is the number of the event.

    `partitions` is the number of the topic's partitions, `max_size` is in bytes.
    """

    def __init__(self, client: Client, partitions: int, max_size: int) -> None:
        self.client = client
        self.max_size = max_size
        self._session = Session(client, partitions)
        self._means: dict[int, tuple[float, float]] = {}
        """By partition, the mean size of its events and when it was determined."""

    def partitions(self) -> list[str]:
        return [str(number) for number in self._session.numbers]

    def reader(self, partition: str, *, quarantine: bool = False) -> Reader:
        """Return a reader. Kafka's brokers refuse damaged records, so `quarantine` has no effect."""
        return Reader(self._session, int(partition))

    def size(self) -> int:
        """
        Return the size of one copy of the events, estimated from their number and the mean size of some.

        Kafka's own figure is for whole files on each broker, and librdkafka has no request for it.
        """
        total = 0.0
        for number in self._session.numbers:
            bounds = self._session.bounds(number, self._session.answer)
            total += (bounds.newest.offset - bounds.oldest) * self._mean(number, bounds)
        return round(total)

    def available(self) -> int:
        """Return the number of bytes that the topic may still grow by."""
        return self.max_size - self.size()

    def is_low_on_space(self) -> bool:
        return self.available() < self.max_size // _LOW_SPACE_SHARE

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """Delete the records before each partition's position that were appended before `before`."""
        wanted = {int(partition): position for partition, position in positions.items()}
        if not wanted:
            return
        recent = self._session.first_since(int(before * 1000), wanted)
        ends = {}
        for number, position in wanted.items():
            first = recent[number]
            bounds = self._session.bounds(number, self._session.answer)
            end = min(position, bounds.newest.offset if first < 0 else first)
            if end > bounds.oldest:
                ends[number] = end
        if ends:
            self.client.delete_before(ends)

    def _mean(self, number: int, bounds: Bounds) -> float:
        mean, found_at = self._means.get(number, (0.0, float("-inf")))
        if time.monotonic() - found_at > _MEAN_SECONDS or not mean:
            mean = self._sample(number, bounds)
            self._means[number] = mean, time.monotonic()
        return mean

    def _sample(self, number: int, bounds: Bounds) -> float:
        """Return the mean size of events at the start, in the middle and at the end of a partition."""
        oldest, newest = bounds.oldest, bounds.newest.offset
        size = events = 0
        reader = self.reader(str(number))
        try:
            for start in {oldest, (oldest + newest) // 2, max(oldest, newest - _SAMPLE_EVENTS)}:
                found = reader.read(Position(start), _SAMPLE_BYTES)
                for chunk in found.chunks if found else ():
                    size += len(chunk.data) + _OVERHEAD_BYTES * chunk.count
                    events += chunk.count
        finally:
            reader.close()
        return size / events if events else 0.0
