"""Searching one partition backwards in time, from any position."""

from collections import deque
from collections.abc import Iterator, Sequence

from gateway.inspector.search.runs import Run
from gateway.inspector.search.wanted import Hit, Matcher
from gateway.journal.base import Position, Reader, UnknownPosition

_STEP_BYTES = 2 * 1024**2
_FIRST_STEP_EVENTS = 16
_MAX_STEP_EVENTS = 2000
_READ_BYTES = 128 * 1024  # about a granule of the index
_JOINED = 16  # granules


class Backwards:
    """
    A partition's events that match a matcher, the newest first.

    Where there are runs, only the granules that may have such events are read; elsewhere all events are.
    Not thread-safe. Raises OSError.
    """

    def __init__(self, reader: Reader, runs: Sequence[Run], matcher: Matcher, before: int | None) -> None:
        newest = reader.newest()
        self.position = newest if before is None else min(before, newest)
        """Everything from here on has been examined."""
        self._reader = reader
        self._matcher = matcher
        self._oldest = reader.oldest()
        self._hits: deque[Hit] = deque()
        self._step_events = _FIRST_STEP_EVENTS
        self._spans = self._plan(runs, self.position)

    @property
    def done(self) -> bool:
        """True if there is nothing left."""
        return not self._hits and self.position <= self._oldest

    @property
    def head(self) -> Hit | None:
        """The newest event that was found and has not been removed."""
        return self._hits[0] if self._hits else None

    @property
    def resume(self) -> int:
        """The position from which another search continues backwards."""
        return self._hits[0].number + 1 if self._hits else self.position

    def pop(self) -> Hit:
        """Remove and return the head."""
        return self._hits.popleft()

    def advance(self) -> None:
        """Examine some more events: a few MB, or a single larger chunk."""
        span = next(self._spans, None)
        if span is None:
            self.position = self._oldest
            return
        found: list[Hit] = []
        number, size = span.start, 0
        while number < span.stop:
            try:
                part = self._reader.read(Position(number), _READ_BYTES)
            except UnknownPosition:
                break
            if part is None:
                break
            for chunk in part.chunks:
                size += len(chunk.data)
                found += self._matcher.hits(chunk, span.start, span.stop)
            number = part.end.number
        self._hits.extend(reversed(found))
        self.position = span.start
        fitting = (span.stop - span.start) * _STEP_BYTES // max(size, 1)
        self._step_events = max(1, min(fitting, 8 * self._step_events, _MAX_STEP_EVENTS))

    def _plan(self, runs: Sequence[Run], end: int) -> Iterator[range]:
        """Yield the ranges to read before `end`, the newest first."""
        wanted, oldest = self._matcher.wanted, self._oldest
        for run in reversed(runs):
            yield from self._steps(max(run.end.number, oldest), end)
            found = run.granules(self._matcher.terms, wanted.since, wanted.until) if run.first < end else []
            yield from _joined([each for each in found if each.start < end and each.stop > oldest], end)
            end = max(oldest, min(end, run.first))
            if end == oldest:
                return
        yield from self._steps(oldest, end)

    def _steps(self, first: int, end: int) -> Iterator[range]:
        """Yield parts of a range that is not indexed, sized by the events read so far."""
        while end > first:
            start = max(first, end - self._step_events)
            yield range(start, end)
            end = start


def _joined(granules: list[range], end: int) -> Iterator[range]:
    """Yield granules, the last first, several at once if they are adjacent."""
    joined: range | None = None
    count = 0
    for each in reversed(granules):
        if joined and each.stop == joined.start and count < _JOINED:
            joined = range(each.start, joined.stop)
            count += 1
        else:
            if joined:
                yield joined
            joined, count = range(each.start, min(each.stop, end)), 1
    if joined:
        yield joined
