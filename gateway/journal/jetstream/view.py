"""
What a process knows about a partition: which message holds which event, and which epochs it has.

JetStream finds messages by their sequence and by time. Which sequence holds an event is found by
interpolation, since the messages are numbered without gaps and so are the events.
"""

import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from nats.aio.msg import Msg

from gateway.journal.base import ANY_EPOCH, Position, UnknownPosition
from gateway.journal.jetstream import api, message
from gateway.journal.jetstream.message import Stored

_MAX_MESSAGES = 1024  # of one read
_MAX_EPOCHS = 256
_LAST_SECOND = 4_102_444_800.0  # the year 2100
_IN_TOUCH_NANOSECONDS = 3_000_000_000
"""A leader that has heard from most replicas this recently is the only one; an election takes 4 s."""
_SECOND_LOOK_SECONDS = 2.0
"""By then a server that was suspended knows that it no longer leads, and gives no outdated answers."""


class Source(Protocol):
    """What a view queries. Every method may raise OSError."""

    def info(self, partition: str, /) -> api.Info: ...
    def heard(self, partition: str, sequence: int, /) -> tuple[int, int] | None: ...
    def get(self, partition: str, payload: bytes, /) -> list[Msg]: ...


class Mark(NamedTuple):
    """A message, and the numbers of its first event and after its last one."""

    sequence: int
    first: int
    end: int
    epoch: int


class Bounds(NamedTuple):
    """The oldest and the last message of a partition that is not empty."""

    oldest: Mark
    newest: Mark
    oldest_time: int
    """When the oldest was stored, in milliseconds since 1970."""


class View:
    """What is known about a partition. Thread-safe. Every method may raise OSError."""

    def __init__(self, source: Source, partition: str) -> None:
        self._source = source
        self._partition = partition
        self._lock = threading.Lock()
        self._oldest: Mark | None = None
        self._newest: Mark | None = None
        self._epochs: dict[int, tuple[int, int]] = {}
        """For each epoch, the lowest and the highest position known to be within it."""

    def oldest(self) -> int:
        """Return the number of the oldest retained event, 0 in an empty partition."""
        bounds = self._bounds()
        return bounds.oldest.first if bounds else 0

    def newest(self) -> int:
        """Return the number of the next event, according to the leader now."""
        info, state = self._ask()
        return self._find_newest(info, state).end if state.messages else 0

    def locate(self, position: Position) -> int:
        """
        Return the sequence of the message that holds the event at a position, or from which to continue.

        Raises UnknownPosition if the event before it is not in this history.
        """
        number, bounds = position.number, self._bounds_with(position.number)
        if bounds is None:
            if number:
                raise UnknownPosition(position, 0, 0)
            return 1
        oldest, newest = bounds.oldest, bounds.newest
        if number > newest.end:
            raise UnknownPosition(position, oldest.first, newest.end)
        if number <= oldest.first:
            return oldest.sequence
        before = self._find(number - 1, bounds)
        if position.epoch not in (ANY_EPOCH, before.epoch):
            raise UnknownPosition(position, oldest.first, newest.end)
        return before.sequence + (before.end == number)

    def accepts(self, position: Position) -> bool:
        """Return True if the event before a position belongs to this history, or is not retained."""
        with self._lock:
            low, high = self._epochs.get(position.epoch, (0, -1))
        if low <= position.number <= high:
            return True
        try:
            self.locate(position)
        except UnknownPosition:
            return False
        return True

    def read(self, sequence: int, limit: int) -> list[Stored]:
        """Return messages from a sequence on, at least one if there is any, up to `limit` bytes."""
        request = api.encode(seq=sequence, batch=_MAX_MESSAGES, max_bytes=int(max(1, limit)))
        found = [each for each in map(message.parse, self._source.get(self._partition, request)) if each]
        for each in found:
            self._mark(each)
        return found

    def seek(self, instant: float) -> int:
        """Return the number of the first event of a message that was stored at or after a time."""
        found = self._first_since(instant)
        if found is None:
            return self.newest()
        return found.chunk.first if found.chunk else self._get(found.sequence).first

    def released_to(self, number: int, before: float) -> int:
        """
        Return the sequence before which all messages may be deleted, or 0 if none may.

        Those are the messages that end before the event `number` and were stored before a time, except for
        the last message, which holds the number of the next event.
        """
        bounds = self._bounds()
        if bounds is None or bounds.oldest_time >= before * 1000 or number < bounds.oldest.end:
            return 0
        kept = bounds.newest.sequence
        if number < bounds.newest.end:
            kept = min(kept, self._find(number, bounds).sequence)
        since = self._first_since(before)
        if since:
            kept = min(kept, since.sequence)
        return kept if kept > bounds.oldest.sequence else 0

    def _ask(self) -> tuple[api.Info, api.State]:
        info = self._source.info(self._partition)
        assert info.state
        return info, info.state

    def _bounds(self) -> Bounds | None:
        """Return what the partition holds now; None if it is empty."""
        info, state = self._ask()
        if not state.messages:
            return None
        oldest = self._oldest
        if oldest is None or oldest.sequence != state.first_seq:
            oldest = self._oldest = self._get(state.first_seq)
        return Bounds(oldest, self._find_newest(info, state), api.milliseconds(state.first_ts))

    def _bounds_with(self, number: int) -> Bounds | None:
        """Return what the partition holds. A leader whose end is before a position is asked twice."""
        bounds = self._bounds()
        if number > (bounds.newest.end if bounds else 0):
            time.sleep(_SECOND_LOOK_SECONDS)
            self._check_leader(self._source.info(self._partition))
            bounds = self._bounds()
        return bounds

    def _find_newest(self, info: api.Info, state: api.State) -> Mark:
        newest = self._newest
        if newest is None or newest.sequence != state.last_seq:
            if newest and newest.sequence > state.last_seq:
                self._check_leader(info)
                with self._lock:
                    self._epochs.clear()
            heard = self._source.heard(self._partition, state.last_seq)
            if heard:
                number, epoch = heard
                newest = Mark(state.last_seq, number, number, epoch)
                self._extend(epoch, number, number)
            else:
                newest = self._get(state.last_seq, -1)._replace(sequence=state.last_seq)
            self._newest = newest
        return newest

    def _first_since(self, instant: float) -> Stored | None:
        at = datetime.fromtimestamp(int(1000 * max(0.0, min(instant, _LAST_SECOND))) / 1000, UTC)
        start = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return message.parse(self._source.get(self._partition, api.encode(start_time=start, batch=1))[0])

    def _find(self, number: int, bounds: Bounds) -> Mark:
        """Return the message that holds an event, which must be retained."""
        if number < bounds.oldest.end:
            return bounds.oldest
        start, end = bounds.oldest.sequence + 1, bounds.newest.sequence
        first, last = bounds.oldest.end, bounds.newest.end
        bisect = False
        while start < end:
            guess = start + (number - first) * (end - start + 1) // max(1, last - first)
            middle = (start + end) // 2 if bisect else max(start, min(guess, end))
            found = self._get(middle)
            if found.first <= number < found.end:
                return found
            if number < found.first:
                end, last = middle - 1, found.first
            else:
                start, first = found.sequence + 1, found.end
            bisect = not bisect
        return self._get(start)

    def _get(self, sequence: int, step: int = 1) -> Mark:
        """Return a message, or the next or previous one with events. Raises OSError if there is none."""
        while sequence > 0:
            found = message.parse(self._source.get(self._partition, api.encode(seq=sequence, batch=1))[0])
            if found is None:
                break
            mark = self._mark(found)
            if mark:
                return mark
            sequence = found.sequence + 1 if step > 0 else sequence - 1
        raise OSError(f"message {sequence} of partition {self._partition} is not there, or not yet")

    def _mark(self, found: Stored) -> Mark | None:
        """Note a message; return None if it holds no events."""
        if found.chunk is None:
            return None
        first, end, epoch = found.chunk.first, found.chunk.end, found.chunk.epoch
        self._extend(epoch, first + 1, end)
        return Mark(found.sequence, first, end, epoch)

    def _extend(self, epoch: int, low: int, high: int) -> None:
        """Note that positions from `low` to `high` are of an epoch, as are all between known ones."""
        with self._lock:
            known = self._epochs.get(epoch)
            self._epochs[epoch] = (min(low, known[0]), max(high, known[1])) if known else (low, high)
            while len(self._epochs) > _MAX_EPOCHS:
                del self._epochs[next(iter(self._epochs))]

    def _check_leader(self, info: api.Info) -> None:
        """Raise OSError if the leader may have been replaced without knowing it yet."""
        replicas = info.cluster.replicas if info.cluster else []
        near = sum(not each.offline and each.active < _IN_TOUCH_NANOSECONDS for each in replicas)
        if near + 1 <= (len(replicas) + 1) // 2:
            raise OSError(f"partition {self._partition} has no leader that most replicas follow")
