"""The workers of one delivery process: started, replaced at a reload, and stopped."""

import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import anyio
import structlog
from anyio.abc import TaskGroup

from gateway.config.tables import Config
from gateway.delivery.worker import Worker
from gateway.processes.control import STUCK
from gateway.state.orders import Order

log = structlog.get_logger()

LAST_BATCH = 5.0
"""How many seconds a worker has to finish its batch when its sink is removed or changed."""

_CANCELLATION = 1.0  # seconds for a worker to end once it is cancelled
_OTHERS = 1.0  # seconds for the other workers to finish their batches before their process ends

LONGEST_CHANGE = LAST_BATCH + _OTHERS + 2 * _CANCELLATION
"""Seconds within which `use` returns or the process has ended."""


class _Run:
    """A running worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()


class Workers:
    """One worker for each sink of this process; `open_worker` makes the worker of a sink by its name."""

    def __init__(self, tasks: TaskGroup, open_worker: Callable[[str, Config], Worker]) -> None:
        self._tasks = tasks
        self._open_worker = open_worker
        self._running: dict[str, _Run] = {}
        self._paused: Collection[str] = ()
        self._stopping = False
        self._config: Config | None = None

    @property
    def names(self) -> Collection[str]:
        """The sinks that have a worker."""
        return self._running.keys()

    async def use(self, config: Config) -> None:
        """
        Deliver to the sinks of `config`. Must not be called again before it has returned.

        Workers whose sink has not changed continue undisturbed. The others finish their batch and end, and
        then new ones are started. If one of them does not end, the process exits with status STUCK: a sink
        must never have two writers.
        """
        old = {name: run for name, run in self._running.items() if config.sinks.get(name) != run.worker.sink}
        await _end(old.values(), LAST_BATCH)
        stuck = sorted(old.keys() & self._running.keys())
        if stuck:
            log.error("sink stuck, ending its process", sinks=stuck)
            await _end(self._running.values(), _OTHERS)
            os._exit(STUCK)
        self._config = config
        if not self._stopping:
            for name in config.sinks.keys() - self._running.keys():
                self._start(name, config)

    def pause(self, sinks: Collection[str]) -> None:
        """Pause the workers of these sinks, and resume all others."""
        self._paused = sinks
        for name, run in self._running.items():
            run.worker.pause(name in sinks)

    def look_for_jobs(self) -> None:
        """Let all workers look for new and cancelled jobs."""
        for run in self._running.values():
            run.worker.look_for_jobs()

    def obey(self, order: Order) -> bool:
        """Hand an order to the worker of its sink; return False if there is none yet."""
        run = self._running.get(order.sink)
        if run is None:
            return False
        if order.verb == "resume":
            run.worker.resume()
        elif order.verb == "skip":
            run.worker.skip(order.id, order.positions)
        return True

    @asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """Let the worker of a sink finish its batch and end before the block; start a new one after it."""
        run = self._running.get(name)
        if run:
            run.worker.leave()
            await run.ended.wait()
        yield
        config = self._config
        if config and name in config.sinks and name not in self._running and not self._stopping:
            self._start(name, config)

    def leave(self) -> None:
        """Let each worker end once it has finished its batch."""
        self._stopping = True
        for run in self._running.values():
            run.worker.leave()

    def stop(self) -> None:
        """Let each worker end once everything is delivered, or cannot be."""
        self._stopping = True
        for run in self._running.values():
            run.worker.stop()

    def _start(self, name: str, config: Config) -> None:
        run = self._running[name] = _Run(self._open_worker(name, config))
        run.worker.pause(name in self._paused)
        self._tasks.start_soon(self._run, name, run)

    async def _run(self, name: str, run: _Run) -> None:
        with run.scope:
            await run.worker.run()
        del self._running[name]
        run.ended.set()


async def _end(runs: Collection[_Run], seconds: float) -> None:
    """Let workers finish their batches, and cancel those that have not finished after `seconds`."""
    runs = list(runs)
    for run in runs:
        run.worker.leave()
    await _ended(runs, seconds)
    for run in runs:
        run.scope.cancel()
    await _ended(runs, _CANCELLATION)


async def _ended(runs: Collection[_Run], seconds: float) -> None:
    with anyio.move_on_after(seconds):
        for run in runs:
            await run.ended.wait()
