"""
The delivery worker of a sink: read from its position, prepare, write, and record the new position.

A sink that is down delays no other, because each has its own worker, positions and back-off.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import anyio
import structlog
from anyio import to_thread

from gateway import backoff, metrics
from gateway.delivery.lookout import Lookout
from gateway.delivery.prepare import Preparation
from gateway.errors import SinkUnavailable, StateLost, StateUnavailable
from gateway.journal.base import Log, Position, Reader, Slice, UnknownPosition
from gateway.sinks.base import Batch, Connection, Sink
from gateway.state.store import State
from gateway.state.tally import Tally

log = structlog.get_logger()


class Work(NamedTuple):
    """One slice of a partition, prepared for the sink."""

    partition: str
    end: Position
    tally: Tally
    """The events that the sink does not receive, by outcome."""
    batch: Batch | None
    """None if there is nothing for the sink."""


class Worker:
    """Delivers to one sink. Bound to one event loop; reads and records in other threads."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        journal: Log,
        state: State,
        lookout: Lookout,
        preparation: Preparation,
        delays: Callable[[], Iterator[float]] = backoff.delays,
    ) -> None:
        self.name = name
        self.sink = sink
        self.journal = journal
        self.state = state
        self.lookout = lookout
        self.preparation = preparation
        self.delays = delays
        self._stopping = False
        self._leaving = False
        self._paused = False
        self._interrupted = anyio.Event()
        self._readers: dict[str, Reader] = {}
        self._positions: dict[str, Position] = {}
        self._turn = 0

    def stop(self) -> None:
        """Make `run` return once everything is delivered, an attempt fails, or the sink is paused."""
        self._stopping = True
        self._interrupt()

    def leave(self) -> None:
        """Make `run` return once the current batch is delivered, an attempt fails, or the sink is paused."""
        self._leaving = True
        self.stop()

    def pause(self, paused: bool) -> None:
        """Pause delivery and close the connection to the sink, or resume. May be called twice."""
        if paused != self._paused:
            self._paused = paused
            self._interrupt()

    async def run(self) -> None:
        """
        Deliver until `stop` or `leave`; after a failure, wait and reconnect, forever.

        Raises StateLost. If it is cancelled, the current batch may be written but not recorded, and is then
        delivered again.
        """
        up, waits = metrics.SINK_UP.labels(self.name), self.delays()
        failing = False
        up.set(1)
        while not (self._stopping and (failing or self._paused)):
            if self._paused:
                await self._interrupted.wait()
                continue
            try:
                receipt = self.state.receipt(self.name)
                async with self.sink.connect(self.name, receipt) as connection:
                    if not receipt and connection.receipt:
                        await to_thread.run_sync(self.state.save_receipt, self.name, connection.receipt)
                    while await self._deliver(connection):
                        if failing:
                            log.info("sink available again", sink=self.name)
                            failing, waits = False, self.delays()
                            up.set(1)
                if self._stopping:
                    return
            except StateLost:
                raise
            except Exception as error:
                # No error may affect other sinks. The batch is not recorded, so it is read again.
                if not failing:
                    self._log_failure(error)
                failing = True
                self._positions.clear()  # continue from the recorded positions and receipt
                up.set(0)
                metrics.SINK_RETRIES.labels(self.name).inc()
                asked = error.retry_after if isinstance(error, SinkUnavailable) else None
                with anyio.move_on_after(max(next(waits), asked or 0)):
                    await self._interrupted.wait()

    def _log_failure(self, error: Exception) -> None:
        if isinstance(error, SinkUnavailable):
            log.warning("sink unavailable", sink=self.name, error=str(error))
        elif isinstance(error, StateUnavailable | OSError):
            log.error("journal or state unavailable", sink=self.name, error=str(error))
        else:
            log.error("delivery failed, retrying", sink=self.name, exc_info=error)

    def _interrupt(self) -> None:
        """Wake the worker, whatever it is waiting for."""
        self._interrupted.set()
        self._interrupted = anyio.Event()
        self.lookout.wake()

    async def _deliver(self, connection: Connection) -> bool:
        """Deliver one batch, or wait for new events; return False if the connection is to be closed."""
        stopping, seen = self._stopping, self.lookout.seen  # read first, so that a later change is noticed
        if self._leaving or self._paused:
            return False
        work = await to_thread.run_sync(self._next, abandon_on_cancel=True)
        if work is None:
            if not stopping:
                await self.lookout.news(seen)
            return not stopping
        receipt = b""
        if work.batch:
            receipt = await connection.write(work.batch)
            work.tally[("delivered", "")] += work.batch.count
        await to_thread.run_sync(self._record, work, receipt)
        return True

    def _record(self, work: Work, receipt: bytes) -> None:
        self.state.record(self.name, work.partition, work.end, work.tally, receipt)
        self._positions[work.partition] = work.end

    def _next(self) -> Work | None:
        """Return the next slice of any partition, in turn, or None if there are no new events."""
        partitions = self.journal.partitions()
        for _ in partitions:
            self._turn += 1
            partition = partitions[self._turn % len(partitions)]
            reader = self._readers.get(partition)
            if reader is None:
                reader = self._readers[partition] = self.journal.reader(partition, quarantine=True)
            position = self._positions.get(partition) or self._start(partition, reader)
            try:
                found = reader.read(position)
            except UnknownPosition as error:
                self._rewind(partition, error)
                found = reader.read(self._positions[partition])
            if found:
                return self._prepare(partition, position.number, found)
        return None

    def _prepare(self, partition: str, first: int, found: Slice) -> Work:
        if found.released:  # the sink was not configured for a while, or a file was removed
            log.warning(
                "events no longer retained, skipped",
                sink=self.name,
                partition=partition,
                events=found.released,
            )
        tally = Tally({("dead", "damaged"): found.damaged, ("skipped", "not_kept"): found.released})
        data, count = self.preparation.prepare(found.chunks, tally)
        end = found.end
        batch = (
            Batch(self.name, partition, first, end.number, range(first, first + count), data)
            if count
            else None
        )
        return Work(partition, end, tally, batch)

    def _start(self, partition: str, reader: Reader) -> Position:
        """Return the sink's position; a new sink starts with the oldest retained event."""
        position = self.state.position(self.name, partition)
        if position is None:
            position = Position(reader.oldest())
            self.state.record(
                self.name, partition, position, Tally({("skipped", "before_sink"): position.number})
            )
        self._positions[partition] = position
        return position

    def _rewind(self, partition: str, error: UnknownPosition) -> None:
        """Continue from the oldest retained event: at-least-once delivery allows repeats, not loss."""
        number, oldest = error.position.number, error.oldest
        log.warning(
            "position does not belong to this journal, delivering again from the oldest event",
            sink=self.name,
            partition=partition,
            position=number,
            oldest=oldest,
            newest=error.newest,
        )
        metrics.JOURNAL_INCIDENTS.labels("position_unknown").inc()
        tally = Tally({("rewound", ""): number - oldest} if number > oldest else {})
        if number < oldest:
            tally[("skipped", "not_kept")] = oldest - number
        self.state.record(self.name, partition, Position(oldest), tally)
        self._positions[partition] = Position(oldest)
