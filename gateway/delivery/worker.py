"""
The delivery worker of a sink: connect, write what its queue has next, record it, and retry after failures.

A sink that is down delays no other, because each has its own worker, positions and back-off.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack

import anyio
import structlog
from anyio import to_thread

from gateway import backoff, metrics
from gateway.delivery import failures
from gateway.delivery.lookout import Lookout
from gateway.delivery.queue import Queue
from gateway.errors import (
    SinkError,
    SinkHeld,
    SinkMisconfigured,
    SinkRefused,
    SinkUnavailable,
    StateLost,
    StateUnavailable,
)
from gateway.sinks.base import Batch, Connection, Sink
from gateway.state.statuses import Condition
from gateway.state.store import State

log = structlog.get_logger()

MISCONFIGURED_SECONDS = 60.0
"""The time between two attempts if only an operator can make them succeed."""

_MAX_UNEXPECTED = 5
"""The number of consecutive unexpected exceptions after which the events themselves are blamed."""


class Worker:
    """Delivers to one sink. Bound to one event loop; reads and records in other threads."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        queue: Queue,
        state: State,
        lookout: Lookout,
        delays: Callable[[], Iterator[float]] = backoff.delays,
    ) -> None:
        self.name = name
        self.sink = sink
        self.queue = queue
        self.state = state
        self.lookout = lookout
        self.delays = delays
        self._log = log.bind(sink=name)
        self._stopping = False
        self._leaving = False
        self._paused = self._held = self._resumed = self._is_informed = False
        self._skips: list[tuple[int, Mapping[str, int]]] = []
        self._interrupted = anyio.Event()
        self._trouble: tuple[str, str] | None = None
        """Class and text of the last error since the last success."""
        self._is_up = False
        """True if the recorded status is "up"."""
        self._failures = 0
        self._unexpected = 0
        self._attempt: tuple[float, int] | None = None
        """When the attempt under way began, by time.monotonic(), and its number of events."""
        self._waits = delays()

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

    def resume(self) -> None:
        """Try at once, whatever the sink is waiting for, even events that are to become dead letters."""
        self._resumed = True
        self._interrupt()

    def look_for_jobs(self) -> None:
        """Look for new and cancelled jobs before the next batch, and now if there is no batch."""
        self.queue.look_for_jobs()
        self.lookout.wake()

    def skip(self, order: int, positions: Mapping[str, int]) -> None:
        """Skip the events before these positions, and finish the order."""
        self._skips.append((order, positions))
        self._interrupt()

    async def run(self) -> None:
        """
        Deliver until `stop` or `leave`; after a failure, wait and reconnect, forever.

        Raises StateLost. If cancelled, the current batch may be written but not recorded, and is then
        delivered again.
        """
        await self._run()
        self.queue.clear()

    async def _run(self) -> None:
        metrics.SINK_UP.labels(self.name).set(1)
        while not (self._stopping and self._is_stuck()):
            interrupted = self._interrupted  # anything that happens from here on sets it
            try:
                await self._obey()
                if self._paused or self._held:
                    if not self._stopping:
                        await interrupted.wait()
                    continue
                await self._connect()
                if self._stopping and not self._skips:
                    return
            except StateLost:
                raise
            except Exception as error:
                # No error may affect other sinks.
                seconds = await self._failed(error)
                if not self._stopping:
                    with anyio.move_on_after(seconds):
                        await interrupted.wait()

    def _is_stuck(self) -> bool:
        return bool(self._trouble or self._paused or (self._held and not self._resumed))

    async def _connect(self) -> None:
        """Open the sink and deliver until there is something else to do."""
        receipt = await to_thread.run_sync(self.state.receipt, self.name)
        async with AsyncExitStack() as opened:
            with failures.of_sink():
                connection = await opened.enter_async_context(self.sink.connect(self.name, receipt))
            if not receipt and connection.receipt:
                await to_thread.run_sync(self.state.save_receipt, self.name, connection.receipt)
            while await self._deliver(connection):
                pass

    async def _deliver(self, connection: Connection) -> bool:
        """Deliver one batch, or wait for one; return False if the connection should be closed."""
        stopping, seen = self._stopping, self.lookout.seen  # read first, so that a later change is noticed
        if self._leaving or self._paused or self._resumed or self._skips:
            return False
        work = await to_thread.run_sync(lambda: self.queue.next(flush=stopping), abandon_on_cancel=True)
        if work is None:
            await self._succeeded()
            if stopping:
                return False
            due = self.queue.due
            with anyio.move_on_after(None if due is None else max(0.0, due - time.time())):
                await self.lookout.news(seen)
            return True
        receipt = b""
        if work.batch:
            try:
                receipt = await self._write(connection, work.batch)
            except SinkRefused as error:
                self._attempted(error)
                await to_thread.run_sync(self.queue.refused, error)
                return True
            except SinkError as error:
                if error.delivered:
                    self.queue.delivered(tuple(error.delivered))
                raise
            except Exception as error:
                self._unexpected += 1
                if self._unexpected >= _MAX_UNEXPECTED:
                    message = f"{type(error).__name__}: {error}"
                    await to_thread.run_sync(self.queue.refused, SinkRefused(message, code="internal_error"))
                raise
            self._unexpected = 0
            self._attempted(None)
        await to_thread.run_sync(self.queue.record, receipt)
        if work.batch:
            await self._succeeded()
        return True

    async def _write(self, connection: Connection, batch: Batch) -> bytes:
        """Write a batch; in a backlog, read the next one in the meantime."""
        self._attempt = time.monotonic(), batch.count
        with self.queue.observer.writing(batch), failures.of_sink():
            return await self._write_and_read(connection, batch)

    async def _write_and_read(self, connection: Connection, batch: Batch) -> bytes:
        if not self.queue.has_more():
            return await connection.write(batch)
        failure: Exception | None = None
        async with anyio.create_task_group() as reading:
            reading.start_soon(to_thread.run_sync, self.queue.read_ahead)
            try:
                receipt = await connection.write(batch)
            except Exception as error:
                failure = error
        if failure:
            raise failure
        return receipt

    async def _succeeded(self) -> None:
        if self._trouble:
            self._log.info("sink available again", failures=self._failures)
            self._trouble, self._failures = None, 0
            self._waits = self.delays()
            metrics.SINK_UP.labels(self.name).set(1)
        if not self._is_up:
            await to_thread.run_sync(self.state.statuses.succeeded, self.name)
            self._is_up = True

    async def _failed(self, error: Exception) -> float:
        """Note a failed attempt, and return for how many seconds to wait before the next."""
        metrics.SINK_UP.labels(self.name).set(0)
        metrics.SINK_RETRIES.labels(self.name).inc()
        self._failures += 1
        self._is_up = False
        if not isinstance(error, StateUnavailable):
            self._attempted(error)
        try:
            error, seconds = await to_thread.run_sync(self._record_failure, error)
        except (StateUnavailable, OSError):
            self.queue.clear()
            seconds = next(self._waits)
        self._log_failure(error)
        self._trouble = type(error).__name__, str(error)
        return seconds

    def _attempted(self, error: Exception | None) -> None:
        """Count an attempt to connect or to write."""
        now = time.monotonic()
        (started, events), self._attempt = self._attempt or (now, 0), None
        self.queue.observer.attempted(now - started, events, error)

    def _record_failure(self, error: Exception) -> tuple[Exception, float]:
        """Return the error that the operator needs to know, and for how many seconds to wait."""
        if isinstance(error, StateUnavailable | OSError):
            self.queue.clear()
            return error, next(self._waits)
        self.queue.failed()
        expired = False
        if isinstance(error, SinkUnavailable) and self.sink.retry_for is not None:
            try:
                expired = self.queue.expire(error, self.sink.retry_for)
            except SinkMisconfigured as obstacle:  # no room for its dead letters
                error = obstacle
        self._held = isinstance(error, SinkHeld)
        misconfigured = isinstance(error, SinkMisconfigured)
        state: Condition = "misconfigured" if misconfigured else "retrying"
        self.state.statuses.failed(self.name, state, error, held=self._held)
        if misconfigured:
            return error, MISCONFIGURED_SECONDS
        if expired:
            return error, 0.0
        retry_after = error.retry_after if isinstance(error, SinkUnavailable) else None
        return error, max(next(self._waits), retry_after or 0.0)

    def _log_failure(self, error: Exception) -> None:
        """Log an error unless the previous attempt had the same one."""
        if self._trouble == (type(error).__name__, str(error)):
            return
        failures.tell(self._log, error)

    async def _obey(self) -> None:
        """Carry out operators' orders that need the connection closed; begin again from what is recorded."""
        if not self._is_informed:
            status = await to_thread.run_sync(self.state.statuses.read, self.name)
            self._held, self._is_up = status.held, status.state == "up" and status.since > 0
            self._is_informed = True
        if self._resumed:
            self._resumed = False
            self.queue.resume()
            # This also releases a sink that was held by a process that is gone.
            await to_thread.run_sync(self.state.statuses.release, self.name)
            self._held = False
            self._waits = self.delays()
        while self._skips:
            order, positions = self._skips[0]
            if await to_thread.run_sync(self.queue.skip, positions):
                await to_thread.run_sync(self.state.orders.finish, order, "done")
            self._skips.pop(0)

    def _interrupt(self) -> None:
        """Wake the worker, whatever it is waiting for."""
        self._interrupted.set()
        self._interrupted = anyio.Event()
        self.lookout.wake()
