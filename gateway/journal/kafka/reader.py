"""
Reading a partition of the topic in order, from any position.

The key of a record is one byte: the flags of its chunk, and MARK on the first event of each chunk.
"""

from collections import deque

from confluent_kafka import Consumer, Message, TopicPartition

from gateway.journal.base import ANY_EPOCH, Position, Slice, UnknownPosition
from gateway.journal.chunk import Chunk
from gateway.journal.kafka.client import REQUEST_SECONDS, failure, raising
from gateway.journal.kafka.session import Bounds, Session

MARK = 0x80
"""In the key of a record, together with its chunk's flags: marks the first event of a chunk."""

_SLICE_BYTES = 1024 * 1024
_FOREIGN = 0x7F  # instead of flags: a record that no gateway appended, which counts as damaged
_PULLED_RECORDS = 500
_MAX_KNOWN = 100  # positions
_LEADER_BITS = 32
"""The bits of an epoch for the leader's epoch; the 31 bits above them stand for the topic."""


class Reader:
    """
    Implements journal.base.Reader for a partition of the topic.

    An epoch stands for the topic and the epoch of the leader that appended a record, which changes at each
    election. Without an election, no acknowledged record is replaced.
    """

    def __init__(self, session: Session, partition: int) -> None:
        self._session = session
        self._partition = partition
        self._answer = session.answer
        self._consumer: Consumer | None = None
        self._next = Position(-1)
        """The position of the next record of the consumer; negative if it has none."""
        self._pulled: deque[Message] = deque()
        self._known: set[Position] = set()
        """Positions found to be valid under the leader `_known_under`."""
        self._known_under = -1

    def read(self, position: Position, limit: int = _SLICE_BYTES) -> Slice | None:
        """Return the events from a position on, or None if there are none yet. See journal.base.Reader."""
        if position.number != self._next.number or position.epoch not in (ANY_EPOCH, self._next.epoch):
            bounds = self._check(position)
            if position.number < bounds.oldest:
                released = bounds.oldest - position.number
                return Slice(Position(bounds.oldest, position.epoch), [], released=released)
            if position.number == bounds.newest.offset:
                return None
            self._go_to(position)
        if not self._pulled and not self._pull(0) and not self._wait():
            return None
        return self._take(limit)

    def accepts(self, position: Position) -> bool:
        """Return True if the event before a position belongs to this history. Raises ConnectionError."""
        try:
            self._check(position)
        except UnknownPosition:
            return False
        return True

    def oldest(self) -> int:
        return self._bounds().oldest

    def newest(self) -> int:
        return self._bounds().newest.offset

    def seek(self, time: float) -> int:
        """Return the number of the first event at a time or later, by the brokers' clock."""
        found = self._session.first_since(int(time * 1000), [self._partition])[self._partition]
        return self.newest() if found < 0 else found

    def close(self) -> None:
        self._pulled.clear()
        self._next = Position(-1)
        if self._consumer:
            consumer, self._consumer = self._consumer, None
            self._session.give_back(consumer)

    def _bounds(self) -> Bounds:
        found = self._session.bounds(self._partition, self._answer)
        self._answer = found.answer
        return found

    def _check(self, position: Position) -> Bounds:
        """Return the partition's bounds. Raises UnknownPosition if the position is from another history."""
        bounds = self._bounds()
        if not self._belongs(position, bounds):
            raise UnknownPosition(position, bounds.oldest, bounds.newest.offset)
        return bounds

    def _belongs(self, position: Position, bounds: Bounds) -> bool:
        """
        Return whether the event before a position has its epoch, as far as that can still be known.

        Raises ConnectionError if the answer is from a leader that has been replaced and knows less.
        """
        leader = bounds.newest.leader_epoch
        if position.epoch == ANY_EPOCH:
            return position.number <= bounds.newest.offset
        if position.epoch >> _LEADER_BITS != self._epoch(leader) >> _LEADER_BITS:
            return False  # of another topic
        if position.epoch > self._epoch(leader):
            raise ConnectionError("Kafka: an old leader answers")
        if position.number > bounds.newest.offset:
            return False
        if position.number <= bounds.oldest or position.epoch == self._epoch(leader):
            return True  # that leader has led ever since, so it has everything that it acknowledged
        if leader != self._known_under or len(self._known) > _MAX_KNOWN:
            self._known_under = leader
            self._known.clear()
        if position not in self._known:
            self._go_to(Position(position.number - 1))
            if not self._wait() or self._epoch(_leader(self._pulled[0])) != position.epoch:
                return False
            self._known.add(position)
        return True

    def _go_to(self, position: Position) -> None:
        """Make the consumer start at a position."""
        self._pulled.clear()
        self._next = Position(-1)
        with raising():
            if self._consumer is None:
                self._consumer = self._session.borrow()
            place = TopicPartition(self._session.client.topic, self._partition, position.number)
            self._consumer.assign([place])
        self._next = position

    def _wait(self) -> bool:
        """Wait for a record if there should be one, and return whether there is. Raises ConnectionError."""
        if self._bounds().newest.offset <= self._next.number:
            return False
        if not self._pull(REQUEST_SECONDS):
            self._next = Position(-1)
            raise ConnectionError("Kafka: no record within the time for a request")
        return True

    def _pull(self, seconds: float) -> bool:
        """Fetch what the consumer has, waiting for a first record. Return whether any came."""
        assert self._consumer
        with raising():
            if seconds:
                self._pulled += self._consumer.consume(1, seconds)
            self._pulled += self._consumer.consume(_PULLED_RECORDS, 0)
        error = next((found for each in self._pulled if (found := each.error())), None)
        if error:
            self._pulled.clear()
            self._next = Position(-1)
            raise failure(error)
        return bool(self._pulled)

    def _take(self, limit: int) -> Slice:
        """Return what was pulled as chunks, the last of which has all its events that are available."""
        start, runs, size = self._next.number, list[_Run](), 0
        number = start
        run: _Run | None = None
        while self._pulled or self._pull(0):
            message = self._pulled[0]
            key, line, offset = message.key() or b"", message.value() or b"", message.offset()
            mark = key[0] if len(key) == 1 and line else _FOREIGN
            assert offset is not None
            if run is None or mark & MARK or offset != number or not run.continues(message, mark):
                if size >= limit:
                    break
                run = _Run(offset, message, mark)
                runs.append(run)
            self._pulled.popleft()
            number = offset + 1
            run.lines.append(line)
            size += len(line)
        self._next = Position(number, self._epoch(runs[-1].leader))
        self._session.learn(self._partition, runs[-1].leader)
        chunks = [each.chunk(self._epoch(each.leader)) for each in runs if each.carries != _FOREIGN]
        return Slice(self._next, chunks, damaged=number - start - sum(each.count for each in chunks))

    def _epoch(self, leader: int) -> int:
        return self._session.number() << _LEADER_BITS | leader + 1  # -1: not known


class _Run:
    """Consecutive records of a chunk."""

    __slots__ = ("carries", "first", "leader", "lines", "time")

    def __init__(self, first: int, message: Message, mark: int) -> None:
        self.first = first
        self.carries = mark & ~MARK
        self.leader = _leader(message)
        self.time = message.timestamp()
        self.lines: list[bytes] = []

    def continues(self, message: Message, mark: int) -> bool:
        """Return whether a record that does not begin a chunk belongs to this one."""
        return mark == self.carries and message.timestamp() == self.time and _leader(message) == self.leader

    def chunk(self, epoch: int) -> Chunk:
        data = b"\n".join((*self.lines, b""))
        return Chunk(self.first, len(self.lines), epoch, self.time[1], self.carries, data)


def _leader(message: Message) -> int:
    """Return the epoch of the leader that appended a record."""
    found = message.leader_epoch()
    return -1 if found is None else found
