"""A delivery process: a worker for each of its sinks; one such process also trims the journal."""

import os
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import structlog
from anyio import to_thread

from gateway import logs
from gateway.config.tables import Config
from gateway.delivery.enrich import Enricher
from gateway.delivery.held import Held
from gateway.delivery.known import Known
from gateway.delivery.lookout import Lookout
from gateway.delivery.prepare import Preparation
from gateway.delivery.queue import Queue
from gateway.delivery.recorder import DeliveryRecorder
from gateway.delivery.trim import trim
from gateway.delivery.worker import Worker
from gateway.errors import StateLost, StateUnavailable
from gateway.home import Home
from gateway.journal import engines
from gateway.processes.control import STATE_LOST, Control, run
from gateway.processes.indexing import Indexing
from gateway.processes.shares import Share
from gateway.processes.workers import Workers
from gateway.state.store import State
from gateway.state.verdicts import UPKEEP

if TYPE_CHECKING:
    from gateway.processes.membership import Membership

log = structlog.get_logger()

Answer = TypeVar("Answer")

LAST_WORK = 3.0
"""How many seconds pending events are still delivered when the gateway is stopped."""

_TRIM_SECONDS = 1.0  # between two trims while events arrive
_IDLE_TRIM_SECONDS = 5.0  # between two trims while none do
_LOOK_SECONDS = 0.1  # between two looks for new events and orders
_IDLE_LOOK_SECONDS = 0.25  # the same if nothing has come for some seconds


def main(share: Share, pipe: Connection) -> None:
    """
    Deliver to the sinks of a share, and of later shares from the supervisor, until SIGTERM.

    The process ends with status STATE_LOST if its state is removed or replaced.
    """
    try:
        logs.hide(share.config.inspector.mask)
        run(lambda: Delivery(share).run(Control(pipe)))
    except* StateLost:
        os._exit(STATE_LOST)


class Delivery:
    """The work of one delivery process."""

    def __init__(self, share: Share) -> None:
        config = share.config.journal
        self.share = share
        self.home = Home(config.path, share.config.state.url)
        self.journal = engines.open_log(config)
        self.state = State.open(self.home.state, self.home.journal)
        self.known = Known(self.state.verdicts, enabled=share.config.delivery.duplicates > 0)
        self.membership = self._join() if share.config.is_shared else None
        if self.membership:
            self.state.use_fence(self.membership.fence)
        partitions = self.membership.partitions if self.membership else None
        self.lookout = Lookout(self.journal, self.known.version, partitions)
        self.indexing = Indexing(
            *(self.journal, self.state.verdicts, self.home.duplicates, self.lookout), self._held(UPKEEP)
        )
        self.recorder = DeliveryRecorder(self.home.diagnostics)
        self.stopping = anyio.Event()
        self.stopped = anyio.Event()
        self.paused: Collection[str] | None = None
        self.begun = False
        """True once there are workers: not until the orders of operators are known."""
        self.obeyed: set[int] = set()
        """The ids of orders that were handed to their workers."""
        self.since: int | None = None
        """The last order placed before this process began, if others may carry out later ones first."""

    async def run(self, control: Control) -> None:
        """Run until the supervisor asks it to stop. Raises StateLost if the state's file was removed."""
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as delivering:
                self.workers = Workers(delivering, self._open_worker)
                self.delivering = delivering.cancel_scope
                if self.membership:
                    await self.membership.renew()
                    tasks.start_soon(self.membership.run)
                if isinstance(self.home.state, Path):
                    await self._obey_orders()
                    await self._begin()
                tasks.start_soon(control.obey, self._stop, self._use)
                tasks.start_soon(self._trim_for_ever)
                await self.indexing.use(self._window())
                tasks.start_soon(self.indexing.run)
                tasks.start_soon(self.recorder.run)
                delivering.start_soon(self._finish)
                tasks.start_soon(self._look_for_ever)
                control.ready()
                await self.stopped.wait()  # without sinks, nothing else keeps the group open
            tasks.cancel_scope.cancel()
        await self.indexing.close()
        await to_thread.run_sync(self.recorder.close)
        if self.membership:
            await self.membership.close()
        self.state.close()

    def _join(self) -> "Membership":
        """Become one of the processes that share the partitions."""
        from gateway.processes.membership import Membership

        find = self.journal.partitions
        return Membership(self.share.config, self.home, find, self._sinks, self._quiet, self._moved)

    def _held(self, sink: str) -> Held | None:
        """Return what is held for a sink, or None if partitions are not shared with other processes."""
        return self.membership.held(sink) if self.membership else None

    def _sinks(self) -> set[str]:
        """Return the sinks that this process may deliver to, and UPKEEP if this process does it."""
        upkeep = {UPKEEP} if self.share.trimmed_for else set()
        return {*self.share.config.sinks, *self.workers.names} | upkeep

    def _quiet(self, sink: str) -> AbstractAsyncContextManager[None]:
        return self.indexing.quiet() if sink == UPKEEP else self.workers.without(sink)

    def _moved(self) -> None:
        """Look for work, orders and jobs in partitions that came from another process."""
        self.paused = None
        self.obeyed.clear()
        self.lookout.wake()

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask a question: directly if files answer it, in a thread if another machine does."""
        if isinstance(self.home.state, Path):
            return question()
        return await to_thread.run_sync(question, abandon_on_cancel=True)

    def _open_worker(self, name: str, config: Config) -> Worker:
        sink = config.sinks[name]
        preparation = Preparation(name, sink, Enricher(self.home.products))
        observer = self.recorder.observer(name)
        queue = Queue(
            *(name, sink, self.journal, self.state, preparation, self.known, self._max_dead),
            observer=observer,
            held=self._held(name),
        )
        return Worker(name, sink, queue, self.state, self.lookout)

    async def _use(self, share: Share) -> None:
        self.share = share
        logs.hide(share.config.inspector.mask)
        self.known.enabled = share.config.delivery.duplicates > 0
        await self.indexing.use(self._window())
        if self.begun:
            await self.workers.use(share.config)

    async def _begin(self) -> None:
        """Start the workers."""
        config = None
        while config is not self.share.config:  # it may change in the meantime
            config = self.share.config
            await self.workers.use(config)
        self.begun = True

    def _stop(self) -> None:
        self.delivering.deadline = anyio.current_time() + LAST_WORK
        self.stopping.set()

    async def _finish(self) -> None:
        """When the supervisor asks it to stop, let the workers deliver what is left."""
        await self.stopping.wait()
        if self.membership:  # what is left is delivered elsewhere
            self.workers.leave()
            self.stopped.set()
            await self.membership.leave()
            return
        await self.indexing.catch_up()
        self.workers.stop()
        self.stopped.set()

    def _max_dead(self) -> int:
        return self.share.config.delivery.max_dead

    def _window(self) -> float:
        """Return the window within which this process looks for duplicates; 0 if another process does."""
        return self.share.config.delivery.duplicates if self.share.trimmed_for else 0.0

    async def _trim_for_ever(self) -> None:
        failure, seen = "", -1
        while True:
            with anyio.move_on_after(_IDLE_TRIM_SECONDS):
                await self.lookout.news(seen)
            await anyio.sleep(_TRIM_SECONDS)
            seen = self.lookout.seen
            try:
                if self.share.trimmed_for:
                    keep = self.share.config.journal.keep
                    held = self._held(UPKEEP)
                    await to_thread.run_sync(
                        trim, self.journal, keep, self.share.trimmed_for, self.state, held() if held else None
                    )
            except (StateUnavailable, OSError) as error:  # the next round deletes what this one could not
                if str(error) != failure:
                    log.warning("journal not trimmed", error=str(error))
                failure = str(error)
            else:
                if failure:
                    log.info("journal trimmed again")
                failure = ""

    async def _look_for_ever(self) -> None:
        # One timer for all workers: when idle, waking up is the only cost.
        failure = ""
        while True:
            self.lookout.compare(await self._ask(self.lookout.find))
            try:
                await self._obey_orders()
            except StateLost:
                raise
            except StateUnavailable as error:
                if not self.begun and str(error) != failure:  # later, the workers log it
                    log.error("state unavailable, delivery waits", error=str(error))
                failure = str(error)
            else:
                if not self.begun:
                    await self._begin()
            await anyio.sleep(_IDLE_LOOK_SECONDS if self.lookout.is_idle else _LOOK_SECONDS)

    async def _obey_orders(self) -> None:
        paused = await self._ask(self.state.paused)
        if paused is self.paused:
            return
        self.paused = paused
        self.workers.pause(paused)
        self.workers.look_for_jobs()
        sinks = self.share.config.sinks
        for order in await self._ask(lambda: self.state.orders.pending(sinks, self.since)):
            if order.id not in self.obeyed and self.workers.obey(order):
                self.obeyed.add(order.id)
                log.info("order carried out", sink=order.sink, verb=order.verb)
                if order.verb != "skip":  # the worker finishes that
                    await to_thread.run_sync(self.state.orders.finish, order.id, "done")
