"""Jobs beside live delivery: dead letters sent again, and parts of the journal sent again."""

import time
from collections import deque
from collections.abc import Callable, Collection

import structlog

from gateway.delivery.part import Part, take
from gateway.delivery.prepare import Preparation
from gateway.delivery.work import Work
from gateway.journal.base import Log, Position, Reader, Slice, UnknownPosition
from gateway.journal.chunk import ANYTHING, Chunk
from gateway.sinks.base import Sink
from gateway.state.intents import Intent
from gateway.state.jobs import Job, Selection, Span
from gateway.state.letters import Letter
from gateway.state.store import State
from gateway.state.tally import Tally

log = structlog.get_logger()

MAX_REPLAYED_EVENTS = 1000
"""The most events in a batch, since live events wait for it. `once_by_batch` sinks get whole batches."""


class _Pace:
    """Keeps a job below its rate. `clock` is in seconds since 1970."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._free_at = 0.0

    def due(self) -> float | None:
        """Return when the next work may be sent, or None if it may be now."""
        return self._free_at if self._rate and self._free_at > self._clock() else None

    def limit(self, events: int) -> int:
        """Return the most events for the next batch: at most a second's worth."""
        return min(events, max(1, int(self._rate))) if self._rate else events

    def sent(self, events: int) -> None:
        if self._rate:
            self._free_at = max(self._free_at, self._clock()) + events / self._rate


class _JobFeed:
    """
    What retries and replays have in common: their pace, and batch ids that stay the same after a crash.

    If `partitions` are given, other processes send the events of the others.
    """

    def __init__(
        self,
        job: Job,
        sink: Sink,
        state: State,
        preparation: Preparation,
        partitions: Collection[str] | None,
        clock: Callable[[], float],
    ) -> None:
        self.due: float | None = None
        self.done = False
        self._job = job
        self._sink = sink
        self._state = state
        self._preparation = preparation
        self._partitions = partitions
        self._pace = _Pace(job.rate, clock)
        self._spans = {
            partition: span
            for partition, span in job.positions.items()
            if partitions is None or partition in partitions
        }
        """The spans as recorded."""

    def prepare(self, work: Work) -> Work:
        """Give the work the id of its content, recorded for a sink that recognizes batches by their id."""
        if not self._sink.once_by_batch or work.batch is None:
            return work
        span = self._spans.get(work.partition) or Span(work.first, work.end.number)
        intent = work.intent_after(span.intent)
        if span.intent and intent.version > span.intent.version:
            log.warning("content of a batch changed, sent under another id", sink=work.sink, batch=work.id)
        if intent != span.intent:
            span = Span(span.next, span.end, intent)
            self._state.save_span(self._job.sink, self._job.id, work.partition, span)
            self._spans[work.partition] = span
        return work.intended(intent, self._job.suffix + intent.suffix)

    def _in_doubt(self, partition: str) -> int | None:
        """Return the end of the batch that may have been written but is not recorded, if any."""
        span = self._spans.get(partition)
        return span.intent.end if span and span.intent and self._sink.once_by_batch else None

    def _intent(self, following: Work | None) -> Intent | None:
        """Return the intent of the work that will be written next, to be recorded beforehand."""
        if following and following.batch and self._sink.once_by_batch:
            return following.intent_after(None)
        return None


class RetryFeed(_JobFeed):
    """Implements delivery.feed.Feed for the dead letters of a job, in order of position."""

    def __init__(
        self,
        job: Job,
        sink: Sink,
        state: State,
        preparation: Preparation,
        partitions: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(job, sink, state, preparation, partitions, clock)
        self._letters: dict[int, Letter] = {}

    def next(self, *, flush: bool = False) -> Work | None:
        self.due = self._pace.due()
        if self.due or self._letters:
            return None
        letters = self._next_letters()
        if not letters:
            if not self._state.dead.of_job(self._job.id, 1, 0):
                self._state.jobs.finish(self._job.id, "done")
            self.done = True
            return None
        self._letters = {letter.position: letter for letter in letters}
        self._pace.sent(len(letters))
        return Work(
            letters[0].sink,
            letters[0].partition,
            [self._part(letter) for letter in letters],
            "retry",
            self._job.suffix,
        )

    def close(self) -> None:
        pass

    def record(self, work: Work, receipt: bytes, following: Work | None) -> None:
        positions = work.batch.positions if work.batch else ()
        delivered = [self._letters[position] for position in (*work.delivered, *positions)]
        failed = [(self._letters[burial.position], burial) for burial in work.burials()]
        span = Span(work.end.number, work.end.number, self._intent(following))
        self._state.record_retry(
            self._job.sink, self._job.id, delivered, failed, work.partition, span, receipt
        )
        self._spans[work.partition] = span
        for letter in (*delivered, *(letter for letter, _ in failed)):
            del self._letters[letter.position]

    def _next_letters(self) -> list[Letter]:
        most, size = self._pace.limit(self._sink.batch_events), self._sink.batch_bytes
        find = self._state.dead.of_job
        for partition in self._spans:
            end = self._in_doubt(partition)
            if end and (found := find(self._job.id, most, size, (partition,), end)):
                return found
        return find(self._job.id, most, size, self._partitions)

    def _part(self, letter: Letter) -> Part:
        # The operator has chosen this sink for this event, so no filter applies.
        line = letter.canonical + b"\n"
        chunk = Chunk(letter.position, 1, letter.epoch, letter.first_failed_at, ANYTHING, line)
        return self._preparation.prepare(chunk, routed=False)


class ReplayFeed(_JobFeed):
    """Implements delivery.feed.Feed for events of the journal that are sent again, through the filters."""

    def __init__(
        self,
        job: Job,
        sink: Sink,
        journal: Log,
        state: State,
        preparation: Preparation,
        partitions: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(job, sink, state, preparation, partitions, clock)
        self._journal = journal
        self._selection = job.selection
        self._readers: dict[str, Reader] = {}

    def next(self, *, flush: bool = False) -> Work | None:
        self.due = self._pace.due()
        if self.due:
            return None
        for partition in self._spans:
            while (span := self._spans[partition]).next < span.end:
                work = self._read(partition, span)
                if work:
                    self._pace.sent(work.count)
                    return work
                break
        if all(span.next >= span.end for span in self._spans.values()):
            self._finish()
        return None

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def record(self, work: Work, receipt: bytes, following: Work | None) -> None:
        tally = work.tally()
        refused = sum(tally[key] for key in tally if key[0] == "dead" and key[1] != "damaged")
        span = Span(work.end.number, self._spans[work.partition].end, self._intent(following))
        self._state.record_replay(
            self._job.sink, self._job.id, work.partition, span, tally[("delivered", "")], refused, receipt
        )
        self._spans[work.partition] = span

    def _finish(self) -> None:
        self.close()
        self.done = True
        job = self._state.jobs.read(self._job.id)
        if job and all(span.next >= span.end for span in job.positions.values()):
            self._state.jobs.finish(job.id, "done")

    def _read(self, partition: str, span: Span) -> Work | None:
        """Return the next work of a partition: the batch in doubt, or as much as the sink allows."""
        end = self._in_doubt(partition)
        parts: deque[Part] = deque()
        start = span.next
        while start < span.end and (not parts or start < (end or 0)):
            found = self._slice(partition, start)
            if found is None:
                break
            parts += self._parts(found, start, span.end)
            start = parts[-1].end
        if not parts:
            return None
        most = self._sink.batch_events
        if not self._sink.once_by_batch:
            most = min(most, MAX_REPLAYED_EVENTS)
        taken = take(parts, self._pace.limit(most), self._sink.batch_bytes, end)
        return Work(self._job.sink, partition, taken, "replay", self._job.suffix)

    def _slice(self, partition: str, start: int) -> Slice | None:
        reader = self._readers.get(partition)
        if reader is None:
            reader = self._readers[partition] = self._journal.reader(partition)
        try:
            return reader.read(Position(start), self._sink.batch_bytes)
        except UnknownPosition as error:  # another journal, which does not have the rest of the job
            span = self._spans[partition]
            if min(error.oldest, span.end) > span.next:
                span = self._spans[partition] = Span(min(error.oldest, span.end), span.end)
                self._state.record_replay(self._job.sink, self._job.id, partition, span, 0, 0)
            return None

    def _parts(self, found: Slice, start: int, end: int) -> list[Part]:
        """Return the parts of a slice before the position `end`."""
        parts = []
        for chunk in found.chunks:
            if chunk.first < end:
                part = select(self._preparation.prepare(chunk, start=start), self._selection)
                start = chunk.end
                parts.append(part if part.end <= end else part.cut(end)[0])
        if not parts:  # nothing in this range can be read
            parts.append(Part(start, min(found.end.number, end), None, (), b"", [], Tally(), found.end.epoch))
        return parts


def count(journal: Log, partition: str, span: Span, selection: Selection, preparation: Preparation) -> int:
    """Return the number of events in a range that a replay would send."""
    reader = journal.reader(partition)
    events, position = 0, span.next
    while position < span.end and (found := reader.read(Position(position))):
        for chunk in found.chunks:
            part = select(preparation.prepare(chunk), selection)
            events += sum(1 for each in part.positions if position <= each < span.end)
        position = found.end.number
    reader.close()
    return events


def select(part: Part, selection: Selection) -> Part:
    """Exclude the events that a replay does not want. They are not counted anywhere."""
    chunk, wanted = part.chunk, selection.wanted
    since, until = selection.since, selection.until
    if chunk is None or (since is None and until is None and wanted.is_everything):
        return part
    if (since is not None and chunk.received_at < since) or (
        until is not None and chunk.received_at >= until
    ):
        return part.without(part.positions)
    if wanted.is_everything:
        return part
    lines = chunk.lines()
    unwanted = {each for each in part.positions if not wanted.admits(lines[each - chunk.first])}
    return part.without(unwanted)
