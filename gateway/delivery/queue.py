"""
The queue of a sink: its live feeds and jobs in turn, and the pieces of the batch in hand.

Every method blocks on the disk. One thread at a time may call them.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping

from gateway.delivery.feed import Feed
from gateway.delivery.guard import Guard
from gateway.delivery.held import Held, everything
from gateway.delivery.jobs import ReplayFeed, RetryFeed
from gateway.delivery.known import Known
from gateway.delivery.live import LiveFeed
from gateway.delivery.observer import Observer
from gateway.delivery.prepare import Preparation
from gateway.delivery.work import Work
from gateway.errors import Culprit, SinkHeld, SinkMisconfigured, SinkRefused, StateUnavailable
from gateway.journal.base import Log
from gateway.sinks.base import Sink
from gateway.state.store import State


class Queue:
    """What one sink gets next. Methods raise OSError and StateUnavailable; call `clear` after either."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        journal: Log,
        state: State,
        preparation: Preparation,
        known: Known,
        max_dead: Callable[[], int],
        guard: Guard | None = None,
        observer: Observer | None = None,
        held: Held | None = None,
    ) -> None:
        self._name = name
        self._sink = sink
        self._journal = journal
        self._state = state
        self._preparation = preparation
        self._known = known
        self._max_dead = max_dead
        self._guard = guard or Guard()
        self.observer = observer or Observer()
        self._held = held or everything(journal)
        self._is_shared = held is not None
        self._terms: Mapping[str, int] = {}
        """The partitions that the feeds are for, with their terms."""
        self._live: dict[str, LiveFeed] = {}
        self._jobs: dict[int, RetryFeed | ReplayFeed] = {}
        self._look_for_jobs = True
        self._ahead: dict[str, Work] = {}
        """By partition, the work that was read before the work in hand was recorded."""
        self._feed: Feed | None = None
        """The feed that the pieces are from."""
        self._pieces: deque[tuple[Work, Culprit | None]] = deque()
        """The work in hand: one batch, or what is left of one that was refused."""
        self._turn = 0

    @property
    def due(self) -> float | None:
        """When there will be work even without a new event, in seconds since 1970; None: only after one."""
        feeds: list[Feed] = [*self._live.values(), *self._jobs.values()]
        return min((feed.due for feed in feeds if feed.due), default=None)

    def look_for_jobs(self) -> None:
        """Look for new and cancelled jobs before the next work. May be called at any time by any thread."""
        self._look_for_jobs = True

    def next(self, *, flush: bool) -> Work | None:
        """
        Return the work in hand, or else the next work, ready to be written; None if there is none.

        Work without a batch needs only to be recorded. Raises SinkHeld if an event would have to become a
        dead letter but may not, and SinkMisconfigured if there is no room for it.
        """
        self._follow(self._held())
        if not self._pieces:
            self._find(flush=flush)
        if not self._pieces or self._feed is None:
            return None
        work, culprit = self._pieces[0]
        buried = work.buried(culprit) if culprit else work
        if buried.has_burials:
            self._check_room()
        if culprit:
            self._check_guard(work, culprit)
        work = buried
        work = self._feed.prepare(work)
        self._pieces[0] = (work, None)
        return work

    def has_more(self) -> bool:
        """Return whether another batch probably follows the one in hand, in the same partition."""
        return isinstance(self._feed, LiveFeed) and len(self._pieces) == 1 and self._feed.has_more

    def read_ahead(self) -> None:
        """Read the batch that follows. Errors are left for `next` to find."""
        work, feed = self._pieces[0][0], self._feed
        if isinstance(feed, LiveFeed) and work.partition not in self._ahead:
            try:
                following = feed.next(flush=False)
            except (OSError, StateUnavailable):
                return
            if following:
                self._ahead[work.partition] = following

    def record(self, receipt: bytes) -> None:
        """Record the work in hand as written, and count the outcomes of its events."""
        work, _ = self._pieces[0]
        feed = self._feed
        assert feed is not None
        if (work.batch or work.delivered) and work.origin == "live":
            self._guard.delivered()
        following = self._pieces[1][0] if len(self._pieces) > 1 else None
        if following is None and isinstance(feed, LiveFeed):
            if self._sink.once_by_batch:
                self.read_ahead()  # so that its intent is part of this commit
            following = self._ahead.get(work.partition)
        feed.record(work, receipt, following)
        self.observer.recorded(work)
        self._pieces.popleft()

    def failed(self) -> None:
        """Count a failed attempt of the work in hand."""
        if self._pieces:
            self._pieces[0][0].failed()

    def delivered(self, indexes: tuple[int, ...]) -> None:
        """Take the events that the target has out of the batch in hand."""
        work, culprit = self._pieces[0]
        self._pieces[0] = (work.without(indexes), culprit)

    def refused(self, error: SinkRefused) -> None:
        """Replace a refused batch by its pieces. A culprit that is not in the batch is ignored."""
        work, _ = self._pieces[0]
        work.failed()
        delivered = set(error.delivered)
        rest = [index for index in range(work.count) if index not in delivered]
        places = {index: place for place, index in enumerate(rest)}
        culprits = {places[index]: each for index, each in error.culprits.items() if index in places}
        if delivered:
            work = work.without(delivered)
        if delivered and not culprits:
            pieces: list[tuple[Work, Culprit | None]] = [(work, None)]
        else:
            pieces = work.split(SinkRefused(str(error), culprits, code=error.code, answer=error.answer))
        self._pieces.popleft()
        self._pieces.extendleft(reversed(pieces))

    def expire(self, error: Exception, seconds: float) -> bool:
        """Make dead letters of the batch in hand, or else the next, if it has failed for `seconds`."""
        work = self.next(flush=True)
        if work is None or work.batch is None:
            return False
        if not work.first_failed_at:
            work.failed()
        if time.time() - work.first_failed_at / 1000 < seconds:
            return False
        self._check_room()
        self._pieces[0] = (work.buried(Culprit(str(error), "expired")), None)
        self.record(b"")
        return True

    def resume(self) -> None:
        """Try again every event that is to become a dead letter."""
        self._guard = Guard()
        self._pieces = deque((work, None) for work, _ in self._pieces)

    def skip(self, positions: Mapping[str, int]) -> bool:
        """
        Skip the events before these positions, by order of an operator.

        Return True unless another process has yet to do so for its own partitions.
        """
        self.clear()
        self._follow(self._held())
        for partition, position in positions.items():
            if partition in self._terms:
                self._live_feed(partition).skip(position)
        if not self._is_shared:
            return True
        progress = self._state.progress(self._name)
        reached = {partition: each.position.number for partition, each in progress.items()}
        return all(reached.get(partition, 0) >= position for partition, position in positions.items())

    def clear(self) -> None:
        """Forget everything that is not recorded, and go back to what is recorded."""
        for feed in (*self._live.values(), *self._jobs.values()):
            feed.close()
        self._feed = None
        self._pieces.clear()
        self._ahead.clear()
        self._live.clear()
        self._jobs.clear()
        self._look_for_jobs = True

    def _follow(self, held: Mapping[str, int]) -> None:
        """Forget what was read of partitions that are no longer held, or were not held for some time."""
        if held == self._terms:
            return
        before, self._terms = self._terms, dict(held)
        lost = {each for each, term in before.items() if held.get(each) != term}
        if self._pieces and self._pieces[0][0].partition in lost:
            self._pieces.clear()
        for partition in lost & self._live.keys():
            self._live.pop(partition).close()
            self._ahead.pop(partition, None)
        for feed in self._jobs.values():  # they begin again from what is recorded about them
            feed.close()
        self._jobs.clear()
        self._look_for_jobs = True

    def _find(self, *, flush: bool) -> None:
        """Take the next work from the feeds, in turn."""
        if self._look_for_jobs:
            self._find_jobs()
        places: list[str | int] = [*self._terms, *self._jobs]
        for _ in places:
            self._turn += 1
            place = places[self._turn % len(places)]
            feed: Feed = self._live_feed(place) if isinstance(place, str) else self._jobs[place]
            work = self._ahead.pop(place, None) if isinstance(place, str) else None
            work = work or feed.next(flush=flush)
            if isinstance(place, int) and self._jobs[place].done:
                del self._jobs[place]
            if work:
                self._feed = feed
                self._pieces.append((work, None))
                return

    def _find_jobs(self) -> None:
        self._look_for_jobs = False
        jobs = {job.id: job for job in self._state.jobs.running(self._name)}
        for id in self._jobs.keys() - jobs.keys():
            self._jobs.pop(id).close()
        own = self._terms if self._is_shared else None
        for id, job in jobs.items():
            if id in self._jobs:
                continue
            if job.kind == "retry":
                self._jobs[id] = RetryFeed(job, self._sink, self._state, self._preparation, own)
            else:
                self._jobs[id] = ReplayFeed(
                    job, self._sink, self._journal, self._state, self._preparation, own
                )

    def _live_feed(self, partition: str) -> LiveFeed:
        feed = self._live.get(partition)
        if feed is None:
            reader = self._journal.reader(partition, quarantine=True)
            feed = self._live[partition] = LiveFeed(
                self._name, self._sink, partition, reader, self._state, self._preparation, self._known
            )
        return feed

    def _check_guard(self, work: Work, culprit: Culprit) -> None:
        if work.origin != "live":
            return
        if not self._guard.allows():
            raise SinkHeld(
                f"too many events refused, the last with: {culprit.message}; after the target is fixed:"
                f" gateway sinks resume {self._name}",
                answer=culprit.answer,
            )
        self._guard.refused()

    def _check_room(self) -> None:
        if self._state.dead.size(self._name) >= self._max_dead():
            raise SinkMisconfigured(
                "the dead letters of the sink have reached [delivery] max_dead; retry or drop some"
                f" (gateway dead list {self._name}), then: gateway sinks resume {self._name}"
            )
