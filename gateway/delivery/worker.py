"""
One worker a sink: reads on from its position, routes, writes, and records how far it came.

A sink that is down delays nobody else: each has its own worker, position and back-off.
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
    """One slice of a partition, and what of it is for the sink."""

    partition: str
    end: Position
    tally: Tally
    """What became of the events that the sink does not get."""
    batch: Batch | None
    """None if there is nothing for the sink."""


class Worker:
    """Delivers to one sink."""

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
        self._changed_signal = anyio.Event()
        self._readers: dict[str, Reader] = {}
        self._positions: dict[str, Position] = {}
        self._turn = 0

    def stop(self) -> None:
        """Let `run` return once everything is delivered, or cannot be."""
        self._stopping = True
        self._interrupt()

    def leave(self) -> None:
        """Let `run` return as soon as the batch in hand is delivered, or cannot be."""
        self._leaving = True
        self.stop()

    def pause(self, paused: bool) -> None:
        """Deliver nothing, with no connection to the sink; or go on."""
        if paused != self._paused:
            self._paused = paused
            self._interrupt()

    async def run(self) -> None:
        """Connect and deliver; after a failure wait, and connect again, for ever. StateLost."""
        up, waits = metrics.SINK_UP.labels(self.name), self.delays()
        failing = False
        up.set(1)
        while not (self._stopping and (failing or self._paused)):
            if self._paused:
                await self._changed_signal.wait()
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
                # Whatever it is, other sinks must not suffer, and the batch is not lost: try again.
                if not failing:
                    self._log_failure(error)
                failing = True
                self._positions.clear()  # what is recorded counts, of positions as of receipts
                up.set(0)
                metrics.SINK_RETRIES.labels(self.name).inc()
                asked = error.retry_after if isinstance(error, SinkUnavailable) else None
                with anyio.move_on_after(max(next(waits), asked or 0)):
                    await self._changed_signal.wait()

    def _log_failure(self, error: Exception) -> None:
        if isinstance(error, SinkUnavailable):
            log.warning("sink unavailable", sink=self.name, error=str(error))
        elif isinstance(error, StateUnavailable | OSError):
            log.error("journal or state unavailable", sink=self.name, error=str(error))
        else:
            log.error("delivery failed, trying again", sink=self.name, exc_info=error)

    def _interrupt(self) -> None:
        """Wake it, whatever it waits for."""
        self._changed_signal.set()
        self._changed_signal = anyio.Event()
        self.lookout.wake()

    async def _deliver(self, connection: Connection) -> bool:
        """Deliver one batch, or wait for one; False if there is none and there need not be."""
        stopping, seen = self._stopping, self.lookout.seen  # if they change meanwhile, look once more
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
        """What comes next in some partition; the partitions take turns."""
        partitions = self.journal.partitions()
        for _ in partitions:
            self._turn += 1
            partition = partitions[self._turn % len(partitions)]
            reader = self._readers.get(partition)
            if reader is None:
                reader = self._readers[partition] = self.journal.reader(partition, quarantine=True)
            position = self._positions.get(partition) or self._start(partition, reader)
            try:
                piece = reader.read(position)
            except UnknownPosition as error:
                self._rewind(partition, error)
                piece = reader.read(self._positions[partition])
            if piece:
                return self._prepare(partition, position.number, piece)
        return None

    def _prepare(self, partition: str, first: int, piece: Slice) -> Work:
        if piece.released:  # the sink was away for a time, or somebody removed a file
            log.warning(
                "events are not kept any more, and skipped",
                sink=self.name,
                partition=partition,
                events=piece.released,
            )
        tally = Tally({("dead", "damaged"): piece.damaged, ("skipped", "not_kept"): piece.released})
        data, count = self.preparation.prepare(piece.chunks, tally)
        end = piece.end
        batch = Batch(self.name, partition, first, end.number, count, data) if count else None
        return Work(partition, end, tally, batch)

    def _start(self, partition: str, reader: Reader) -> Position:
        """Where the sink goes on; a new one begins with the oldest event that is kept."""
        position = self.state.position(self.name, partition)
        if position is None:
            position = Position(reader.oldest())
            self.state.record(
                self.name, partition, position, Tally({("skipped", "before_sink"): position.number})
            )
        self._positions[partition] = position
        return position

    def _rewind(self, partition: str, error: UnknownPosition) -> None:
        """Begin again with the oldest event that is kept: twice is better than never."""
        number, oldest = error.position.number, error.oldest
        log.warning(
            "position of a sink is not one of this journal; delivering again from the oldest event",
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
