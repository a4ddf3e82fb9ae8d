"""
The second half of the journey: from the journal to one sink, in order, at least once.

A passage of the journal becomes a batch, and its position is recorded only when the sink has the batch.
Between the route and the sink is the place where duplicates will be left out, and where a batch that a
sink refuses for good will be split, and its culprit buried with the dead letters.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import structlog
from anyio import to_thread

from gateway import backoff, metrics
from gateway.delivery.route import Route
from gateway.errors import SinkUnavailable
from gateway.journal import files
from gateway.journal.positions import Positions, Tally
from gateway.journal.reader import Reader
from gateway.sinks.base import Sink, Write

log = structlog.get_logger()

_IDLE = 0.2  # seconds between two looks for new events


class Batch:
    """What one sink gets of one passage of one shard."""

    def __init__(self, shard: str, lines: list[bytes], end: int, tally: Tally) -> None:
        self.shard = shard
        self.lines = lines
        self.end = end
        self.tally = tally


class Worker:
    """Delivers to one sink; `prepare` has the last word on what its events look like."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        journal: Path,
        positions: Positions,
        delays: Callable[[], Iterator[float]] = backoff.delays,
        prepare: Callable[[list[bytes]], list[bytes]] = list,
    ) -> None:
        self.name = name
        self.sink = sink
        self.journal = journal
        self.positions = positions
        self.prepare = prepare
        self.delays = delays
        self.stopping = False
        """Set it, and `run` returns once everything is delivered, or cannot be."""
        self.leaving = False
        """Set it, and `run` returns once no batch is in hand."""
        self._route = Route(name, sink)
        self._readers: dict[str, Reader] = {}
        self._at: dict[str, int] = {}
        self._turn = 0

    async def run(self) -> None:
        """Connect and deliver; after a failure wait, and connect again, for ever."""
        up, waits = metrics.SINK_UP.labels(self.name), self.delays()
        failing = False
        up.set(1)
        while not (self.leaving or (failing and self.stopping)):
            try:
                notes = self.positions.notes(self.name)
                async with self.sink.connect(notes) as write:
                    if not notes and (begun := await write([])):
                        await to_thread.run_sync(self.positions.note, self.name, begun)
                    while await self._deliver(write):
                        if failing:
                            log.info("sink available again", sink=self.name)
                            failing, waits = False, self.delays()
                            up.set(1)
                    return
            except Exception as error:
                # Whatever it is, other sinks must not suffer, and the batch is not lost: try again.
                if not failing:
                    unforeseen = not isinstance(error, SinkUnavailable)
                    log.warning("sink unavailable", sink=self.name, error=str(error), exc_info=unforeseen)
                failing = True
                self._at.clear()  # what is recorded counts, of positions as of notes
                up.set(0)
                metrics.SINK_RETRIES.labels(self.name).inc()
                asked = error.retry_after if isinstance(error, SinkUnavailable) else None
                await self._pause(max(next(waits), asked or 0))

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than there is something to wait for."""
        end = anyio.current_time() + seconds
        while (left := end - anyio.current_time()) > 0 and not (self.leaving or self.stopping):  # noqa: ASYNC110  # as often as it looks for events
            await anyio.sleep(min(left, _IDLE))

    async def _deliver(self, write: Write) -> bool:
        """Deliver one batch, or wait a moment for one; False if there is none and there need not be."""
        stopping = self.stopping  # if it is set while we look, there has to be another look
        batch = await to_thread.run_sync(self._next)
        if batch is None:
            if not stopping:
                await anyio.sleep(_IDLE)
            return not (stopping or self.leaving)
        notes = await write(batch.lines) if batch.lines else b""
        batch.tally[("delivered", "")] += len(batch.lines)
        await to_thread.run_sync(self.positions.record, self.name, batch.shard, batch.end, batch.tally, notes)
        self._at[batch.shard] = batch.end
        return not self.leaving

    def _next(self) -> Batch | None:
        """The next batch of some shard; the shards take turns."""
        shards = files.shards(self.journal)
        for _ in shards:
            self._turn += 1
            folder = shards[self._turn % len(shards)]
            reader = self._readers.setdefault(folder.name, Reader(folder, quarantine=True))
            if folder.name not in self._at:
                self._at[folder.name] = self.positions.start(
                    self.name, folder.name, reader.oldest(), reader.acknowledged(reader.oldest())
                )
            passage = reader.read(self._at[folder.name])
            if passage:
                lines, tally = self._route.sort(passage.lines)
                tally[("dead", "damaged")] += passage.lost
                return Batch(folder.name, self.prepare(lines), passage.end, tally)
        return None
