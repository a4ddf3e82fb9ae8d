"""Live delivery: the events of one partition in order, from the position of the sink on, in batches."""

import time
from collections import deque
from collections.abc import Callable

import structlog

from gateway import metrics
from gateway.delivery.known import Known
from gateway.delivery.part import Part, take
from gateway.delivery.prepare import Preparation
from gateway.delivery.work import Work
from gateway.journal.base import ANY_EPOCH, Position, Reader, Slice, UnknownPosition
from gateway.sinks.base import Sink
from gateway.state.intents import Intent
from gateway.state.store import State
from gateway.state.tally import Tally

log = structlog.get_logger()


class LiveFeed:
    """Implements delivery.feed.Feed for the events that a sink has not had. One thread at a time."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        partition: str,
        reader: Reader,
        state: State,
        preparation: Preparation,
        known: Known,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.due: float | None = None
        self.has_more = False
        """True if the last work was a whole batch, so that another one is probably available."""
        self._name = name
        self._sink = sink
        self._partition = partition
        self._reader = reader
        self._state = state
        self._preparation = preparation
        self._known = known
        self._clock = clock
        self._log = log.bind(sink=name, partition=partition)
        self._read_to = Position(0)
        self._recorded: Position | None = None
        self._taken_to = 0
        """The end of the work that was returned last."""
        self._intent: Intent | None = None
        """What is recorded about the batch that begins at the recorded position."""
        self._intended_end: int | None = None
        """Where the next batch must end, because it may have been written before a crash."""
        self._parts: deque[Part] = deque()
        self._events = self._bytes = 0

    def next(self, *, flush: bool = False) -> Work | None:
        self.due = None
        if self._recorded is None:
            self._start()
        self._fill()
        if self._intended_end is not None:
            return self._take_intended(self._intended_end)
        if not self._parts:
            return None
        self.has_more = self._is_full()
        if not flush and not self.has_more:
            due = self._oldest() + self._sink.batch_time
            if due > self._clock():
                self.due = due
                return None
        return self._take(None)

    def prepare(self, work: Work) -> Work:
        """Give the work the id of its content, recorded for a sink that recognizes batches by their id."""
        batch = work.batch
        if not self._sink.once_by_batch or batch is None:
            return work
        intent = work.intent_after(self._intent)
        if self._intent and intent.version > self._intent.version:
            self._log.warning("content of a batch changed, sent under another id", batch=f"{work.id}")
        if intent != self._intent:
            self._state.save_intent(self._name, self._partition, intent)
            self._intent = intent
        if work.suffix != intent.suffix:
            work = work.intended(intent, intent.suffix)
        return work

    def record(self, work: Work, receipt: bytes, following: Work | None) -> None:
        self._intent = None
        intent = None
        if following and self._sink.once_by_batch and following.batch:
            intent = following.intent_after(None)
        burials = work.burials()
        self._state.record(
            *(self._name, self._partition, work.end, work.tally(), receipt),
            burials=burials,
            intent=intent,
            after=self._recorded,
        )
        self._recorded, self._intent = work.end, intent

    def close(self) -> None:
        self._reader.close()

    def skip(self, to: int) -> None:
        """Skip the events before a position, by order of an operator. Has no effect on passed positions."""
        self._start()
        assert self._recorded is not None
        to = min(to, self._reader.newest())
        if to > self._recorded.number:
            skipped = Tally({("skipped", "operator"): to - self._recorded.number})
            self._state.record(self._name, self._partition, Position(to), skipped, after=self._recorded)
            self._recorded = None

    def _start(self) -> None:
        """Go to the recorded position; a new sink starts at the oldest retained event."""
        position = self._state.position(self._name, self._partition)
        if position is None:
            position = Position(self._reader.oldest())
            skipped = Tally({("skipped", "before_sink"): position.number})
            self._state.record(self._name, self._partition, position, skipped, after=None)
        self._go_to(position, self._state.intent(self._name, self._partition))

    def _go_to(self, recorded: Position, intent: Intent | None = None) -> None:
        self._recorded = self._read_to = recorded
        self._taken_to = recorded.number
        self._intent = intent
        self._intended_end = intent.end if intent and self._sink.once_by_batch else None
        self._parts.clear()
        self._events = self._bytes = 0

    def _fill(self) -> None:
        """Read until there is a whole batch, or nothing more to read."""
        while not self._has_batch():
            known = self._known.end(self._partition)
            if known is not None and self._reader.accepts(self._read_to) and not self._is_known(known):
                return
            try:
                found = self._reader.read(self._read_to)
            except UnknownPosition as error:
                if self._recorded and self._taken_to > self._recorded.number:
                    return  # what was returned has yet to be recorded
                self._rewind(error)
                continue
            if found is None:
                return
            self._append(found)
            if known is not None and self._read_to.number > known.number:
                self._withhold(known.number)

    def _append(self, found: Slice) -> None:
        if found.released:  # the sink was not configured for a while, or a file was removed
            self._log.warning("events no longer retained, skipped", events=found.released)
        start, released = self._read_to.number, found.released
        duplicates = self._known.duplicates(self._partition, start, found.end.number)
        for chunk in found.chunks:
            skipped = min(chunk.first - start, released)
            released -= skipped
            lost = _lost(skipped, chunk.first - start - skipped)
            own = [each for each in duplicates if chunk.first <= each < chunk.end]
            self._add(self._preparation.prepare(chunk, own, start=start, lost=lost))
            start = chunk.end
        if start < found.end.number:
            lost = _lost(released, found.end.number - start - released)
            self._add(Part(start, found.end.number, None, (), b"", [], lost, found.end.epoch))
        self._read_to = found.end

    def _withhold(self, known: int) -> None:
        """Drop the events that do not have a verdict on being duplicates yet."""
        while self._parts and self._parts[-1].end > known:
            part = self._parts.pop()
            self._remove(part)
            if part.start < known:
                self._add(part.cut(known)[0])
        epoch = self._parts[-1].epoch if self._parts else ANY_EPOCH
        self._read_to = Position(known, epoch)

    def _add(self, part: Part) -> None:
        self._parts.append(part)
        self._events += len(part.positions)
        self._bytes += len(part.data)

    def _remove(self, part: Part) -> None:
        self._events -= len(part.positions)
        self._bytes -= len(part.data)

    def _is_known(self, limit: Position) -> bool:
        """Return whether the next event has a verdict that is not about another history."""
        return self._read_to.number < limit.number and self._reader.accepts(limit)

    def _has_batch(self) -> bool:
        if self._intended_end is None:
            return self._is_full()
        return bool(self._parts) and self._parts[-1].end >= self._intended_end

    def _is_full(self) -> bool:
        if self._events >= self._sink.batch_events or self._bytes >= self._sink.batch_bytes:
            return True
        return bool(self._parts) and self._parts[0].epoch != self._parts[-1].epoch

    def _oldest(self) -> float:
        return min((part.chunk.received_at / 1000 for part in self._parts if part.chunk), default=0.0)

    def _take_intended(self, end: int) -> Work | None:
        """Take the batch that may have been written before a crash, once all of it can be read."""
        if self._parts and self._parts[-1].end >= end:
            self._intended_end = None
            return self._take(end)
        if self._reader.newest() < end:  # an older journal was restored
            self._intended_end = None
            self.due = self._clock()
        return None

    def _take(self, end: int | None) -> Work:
        """Take the next batch from what was read: up to a position, or as large as the sink allows."""
        taken = take(self._parts, self._sink.batch_events, self._sink.batch_bytes, end)
        for part in taken:
            self._remove(part)
        self._taken_to = taken[-1].end
        return Work(self._name, self._partition, taken)

    def _rewind(self, error: UnknownPosition) -> None:
        """Continue from the oldest retained event: at-least-once delivery allows repeats, not loss."""
        number, oldest = self._recorded.number if self._recorded else 0, error.oldest
        self._log.warning(
            "position does not belong to this journal, delivering again from the oldest event",
            position=number,
            oldest=oldest,
            newest=error.newest,
        )
        metrics.JOURNAL_INCIDENTS.labels("position_unknown").inc()
        tally = Tally({("rewound", ""): number - oldest} if number > oldest else {})
        if number < oldest:
            tally[("skipped", "not_kept")] = oldest - number
        self._state.record(self._name, self._partition, Position(oldest), tally, after=self._recorded)
        self._go_to(Position(oldest))


def _lost(released: int, damaged: int) -> Tally:
    """Return the tally of positions that cannot be read."""
    return Tally({("skipped", "not_kept"): released, ("dead", "damaged"): damaged})
