"""When the events of a partition arrived, found without reading all of them."""

from bisect import bisect_left
from collections.abc import Sequence

from gateway.inspector.search.runs import Run
from gateway.journal.base import Position, Reader, UnknownPosition

_SAMPLE_EVENTS = 100


class Timeline:
    """
    The times of a partition's events, provided that the clock was never set back.

    Reads the newest events once: at most `tail_events`, and about `tail_bytes`. Older ones it locates to a
    granule of the index; where there is none, it reads some events. Not thread-safe. Raises OSError.
    """

    def __init__(
        self,
        reader: Reader,
        runs: Sequence[Run],
        tail_events: int = 20_000,
        tail_bytes: int = 16 * 1024**2,
    ) -> None:
        self.newest = reader.newest()
        self.oldest = min(reader.oldest(), self.newest)
        self.size = 0
        """The size in bytes of the `counted` newest events."""
        self.counted = 0
        self.last_at: int | None = None
        """When the newest chunk was stored, in milliseconds since 1970; None if there are no events."""
        self._reader = reader
        self._runs = runs
        self._numbers: list[int] = []
        self._times: list[int] = []
        indexed = runs[-1].end.number if runs else self.oldest
        fitting = min(tail_events, tail_bytes // self._usual_size())
        self._start = max(indexed, self.newest - fitting, self.oldest)
        self._read(min(self._start, max(self.oldest, self.newest - 1)))

    def number_at(self, time: int) -> int:
        """Return the number of the first event stored at `time` or later, in milliseconds since 1970."""
        if self._times and self._times[0] < time:
            place = bisect_left(self._times, time)
            return self._numbers[place] if place < len(self._numbers) else self.newest
        if self._runs and time <= self._runs[-1].latest:
            place = bisect_left(self._runs, time, key=lambda run: run.latest)
            return max(self.oldest, self._runs[place].number_at(time))
        first = max(self.oldest, self._runs[-1].end.number if self._runs else 0)
        return first + bisect_left(range(first, self._start), time, key=self._time)

    def _read(self, number: int) -> None:
        while number < self.newest:
            try:
                found = self._reader.read(Position(number))
            except UnknownPosition:  # the journal was replaced
                return
            if found is None:
                return
            for chunk in found.chunks:
                self._numbers.append(chunk.first)
                self._times.append(chunk.received_at)
                self.size += len(chunk.data)
                self.counted += chunk.count
                self.last_at = chunk.received_at
            number = found.end.number

    def _usual_size(self) -> int:
        """Return the mean size in bytes of some of the newest events."""
        try:
            found = self._reader.read(Position(max(self.oldest, self.newest - _SAMPLE_EVENTS)))
        except UnknownPosition:
            return 1
        size = sum(len(chunk.data) for chunk in found.chunks) if found else 0
        return max(1, size // max(1, found.events if found else 0))

    def _time(self, number: int) -> int:
        """Return when an event was stored; 0 if it cannot be read, as if it were older than all others."""
        try:
            found = self._reader.read(Position(number), limit=1)
        except UnknownPosition:
            return 0
        return found.chunks[0].received_at if found and found.chunks else 0
