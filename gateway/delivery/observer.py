"""The observer of a sink: its events by minute, its batches, and its exchanges with the target."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from threading import Lock
from typing import NamedTuple

import msgspec
import structlog

from gateway.delivery import names
from gateway.delivery.part import Part
from gateway.delivery.work import Work
from gateway.diagnostics import exchanges
from gateway.diagnostics.exchanges import Attempt, Exchange
from gateway.diagnostics.minutes import OTHERS, Minute
from gateway.errors import SinkError
from gateway.sinks.base import Batch

log = structlog.get_logger()

_MAX_FAILURES = 500  # of exchanges, between two writes
_MAX_SUCCESSES = 100
_MAX_DEAD = 50_000
_MAX_BATCHES = 100
_MAX_RETRIED = 5000


class Written(NamedTuple):
    """A range of positions that a sink has, except those in between that were not for it."""

    at: int
    """Milliseconds since 1970."""
    partition: str
    first: int
    end: int
    """One past the last."""
    batch: str
    """The id of the batch; "" for several batches."""


class Observations(msgspec.Struct):
    """What was observed of one sink since it was last collected."""

    minutes: dict[int, Minute] = {}
    """By minute since 1970."""
    failures: deque[Exchange] = msgspec.field(default_factory=lambda: deque(maxlen=_MAX_FAILURES))
    successes: deque[Exchange] = msgspec.field(default_factory=lambda: deque(maxlen=_MAX_SUCCESSES))
    exchanges: int = 0
    """Number of all exchanges."""
    batches: list[Written] = []
    """Batches of live events; beyond 100, the last ones are combined."""
    retried: list[Written] = []
    """Runs of dead letters that were sent again; at most 5,000."""
    dead: list[tuple[str, int]] = []
    """Partition and position of the events that became dead letters."""


class Observer:
    """Observes one sink. Thread-safe; `clock` returns seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._found = Observations()

    def recorded(self, work: Work) -> None:
        """Count the outcomes of the events of some work, by name. Never raises."""
        try:
            self._count(work)
        except Exception as bug:  # it must not cost a delivery
            log.error("a delivery was not observed", exc_info=bug)

    def _count(self, work: Work) -> None:
        counted = list(_outcomes(work))
        dead = [
            (work.partition, each.position)
            for part in work.parts
            for each in part.excluded
            if each.outcome == "dead"
        ]
        with self._lock:
            minute = self._minute()
            for outcome, reason, by_name in counted:
                for name, events in by_name.items():
                    minute.add(outcome, reason, name, events)
            self._found.dead += dead[: _MAX_DEAD - len(self._found.dead)]
            self._write_down(work)

    def _write_down(self, work: Work) -> None:
        batch, at = work.batch, int(self._clock() * 1000)
        if work.origin == "retry":
            runs = _runs([*work.delivered, *(batch.positions if batch else ())])
            room = _MAX_RETRIED - len(self._found.retried)
            self._found.retried += [Written(at, work.partition, *run, work.id) for run in islice(runs, room)]
        elif work.origin == "live" and (batch or work.delivered):
            written = Written(at, work.partition, work.first, work.end.number, work.id)
            _append(self._found.batches, written)

    def attempted(self, seconds: float, events: int, error: Exception | None = None) -> None:
        """Count an attempt to write a batch; `error` is why it failed."""
        text = str(error) if isinstance(error, SinkError) else type(error).__name__ if error else ""
        with self._lock:
            self._minute().attempted(int(seconds * 1000), events, text)

    @contextmanager
    def writing(self, batch: Batch) -> Iterator[None]:
        """Note the requests made in the block as those that write a batch."""
        attempt = Attempt(
            batch.id, batch.partition, batch.first, batch.end, batch.count, batch.origin, (), self._note
        )
        with exchanges.during(attempt):
            yield

    def collect(self) -> Observations:
        """Return what was observed since the last call."""
        with self._lock:
            found, self._found = self._found, Observations()
        return found

    def _note(self, exchange: Exchange) -> None:
        with self._lock:
            self._found.exchanges += 1
            failed = not exchange.dry_run and (exchange.status is None or exchange.status >= 300)
            (self._found.failures if failed else self._found.successes).append(exchange)

    def _minute(self) -> Minute:
        return self._found.minutes.setdefault(int(self._clock()) // 60, Minute())


def _append(batches: list[Written], new: Written) -> None:
    """Append a batch; once there are too many, extend the last one of its partition instead."""
    if len(batches) >= _MAX_BATCHES:
        for place in range(len(batches) - 1, -1, -1):
            last = batches[place]
            if last.partition == new.partition and last.first <= new.first:
                batches[place] = new._replace(first=last.first, batch="")
                return
    batches.append(new)


def _runs(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and end of each run of positions without a gap."""
    for _, run in groupby(enumerate(sorted(positions)), lambda pair: pair[1] - pair[0]):
        found = [position for _, position in run]
        yield found[0], found[-1] + 1


Outcome = tuple[str, str, Counter[tuple[str, str]]]


def _outcomes(work: Work) -> Iterator[Outcome]:
    """Yield outcome, reason, and the events by name."""
    replay = work.origin == "replay"
    delivered = "replayed" if replay else "delivered"
    retried = "retry" if work.tries or work.origin == "retry" else ""
    if work.batch:
        yield delivered, retried, names.count_batch(work.batch.data, work.batch.count)
    had = set(work.delivered)
    for part in work.parts:
        if had and (positions := [each for each in had if part.start <= each < part.end]):
            yield delivered, retried, _names(part, positions)
        by_outcome: dict[tuple[str, str], list[int]] = {}
        for each in part.excluded:
            by_outcome.setdefault((each.outcome, each.reason), []).append(each.position)
        for (outcome, reason), positions in by_outcome.items():
            if not replay:
                yield outcome, reason, _names(part, positions)
            elif outcome == "dead":
                yield "replayed", reason, _names(part, positions)
        if not replay:
            for (outcome, reason), events in part.lost.items():
                if events:
                    yield outcome, reason, Counter({OTHERS: events})


def _names(part: Part, positions: list[int]) -> Counter[tuple[str, str]]:
    if part.chunk is None:
        return Counter({OTHERS: len(positions)})
    lines, first = part.chunk.lines(), part.chunk.first
    some = positions[:: -(-len(positions) // names.MAX_COUNTED)]
    return names.scale(names.count(lines[position - first] for position in some), len(positions))
