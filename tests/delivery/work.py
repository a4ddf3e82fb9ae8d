"""Workers with a journal and state of their own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path

import anyio

from gateway.delivery.enrich import Enricher
from gateway.delivery.held import Held
from gateway.delivery.known import Known
from gateway.delivery.lookout import Lookout
from gateway.delivery.observer import Observer
from gateway.delivery.prepare import Preparation
from gateway.delivery.queue import Queue
from gateway.delivery.worker import Worker
from gateway.sinks.base import Sink
from gateway.state.store import State
from tests.build import JOURNAL, open_log
from tests.fakes import ScriptedSink
from tests.gateway import PATIENCE


def open_state(folder: Path) -> State:
    """Open the state of a test's journal."""
    State.prepare(folder / "state.db", JOURNAL)
    return State.open(folder / "state.db", JOURNAL)


def make(
    sink: Sink,
    journal: Path,
    state: State,
    name: str = "sink",
    *,
    max_dead: int = 2**30,
    enricher: Enricher | None = None,
    observer: Observer | None = None,
    held: Held | None = None,
) -> Worker:
    """Create a worker without back-off."""
    log = open_log(journal)
    preparation = Preparation(name, sink, enricher or Enricher(journal / "products.db"))
    known = Known(state.verdicts, enabled=False)
    queue = Queue(name, sink, log, state, preparation, known, lambda: max_dead, observer=observer, held=held)
    return Worker(name, sink, queue, state, Lookout(log), lambda: repeat(0.0))


async def deliver(worker: Worker) -> None:
    """Run a worker until everything is delivered or its sink fails."""
    worker.stop()
    with anyio.fail_after(PATIENCE):
        await worker.run()


async def eventually(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds; the caller limits the time."""
    while not condition():  # noqa: ASYNC110  # nothing announces it
        await anyio.sleep(0.01)


async def look_forever(lookout: Lookout) -> None:
    while True:
        lookout.look()
        await anyio.sleep(0.01)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """Run a worker for the duration of the block, then stop it."""
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as looking:
            looking.start_soon(look_forever, worker.lookout)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(worker.run)
                yield
            looking.cancel_scope.cancel()


async def deliver_until(worker: Worker, sink: ScriptedSink, count: int) -> None:
    """Run a worker until its sink has `count` events and all are recorded."""
    async with running(worker):
        await sink.took(count)
        worker.stop()
