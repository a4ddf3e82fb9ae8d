"""A delivery process, the back half of the gateway: one worker a sink; in one process also the trimming."""

import fcntl
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import anyio
import apsw
import structlog
from anyio import to_thread

from gateway import commerce
from gateway.app.control import Control, run
from gateway.app.shares import Share
from gateway.app.workers import Workers
from gateway.config import Config
from gateway.delivery.enrich import Enricher
from gateway.delivery.trim import trim
from gateway.delivery.worker import Worker
from gateway.journal.positions import Positions, beside
from gateway.records.table import products
from gateway.sinks.base import Sink

log = structlog.get_logger()

LAST_WORK = 5.0
"""Seconds for what is still to be delivered when the gateway is stopped."""

_TRIM_EVERY = 1.0


def main(share: Share, pipe: Connection) -> None:
    """Deliver to the sinks of a share, and of those that the supervisor sends, until it says otherwise."""
    run(lambda: deliver(share, Control(pipe)))


async def deliver(share: Share, control: Control) -> None:
    stopped = anyio.Event()
    state = open_state(share.config)

    def open_worker(name: str, config: Config) -> Worker:
        sink, journal = config.sinks[name], config.journal.path
        return Worker(name, sink, journal, state, prepare=preparation(sink, products(journal)))

    async def use(new: Share) -> None:
        nonlocal share
        share = new
        await workers.use(new.config)

    async def trim_for_ever() -> None:
        failing = ""
        while True:
            await anyio.sleep(_TRIM_EVERY)
            try:
                await to_thread.run_sync(trim_once, share, state)
            except (apsw.Error, OSError) as error:  # what is too much now goes later
                if str(error) != failing:
                    log.warning("journal not trimmed", error=str(error))
                failing = str(error)
            else:
                if failing:
                    log.info("journal trimmed again")
                failing = ""

    def stop() -> None:
        delivering.cancel_scope.deadline = anyio.current_time() + LAST_WORK
        workers.stop()
        stopped.set()

    async with anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as delivering:
            workers = Workers(delivering, open_worker)
            await workers.use(share.config)
            tasks.start_soon(control.obey, stop, use)
            tasks.start_soon(trim_for_ever)
            control.ready()
            await stopped.wait()  # also without any worker
        tasks.cancel_scope.cancel()
    state.close()


def open_state(config: Config) -> Positions:
    """How far each sink has come, to be written by all delivery processes."""
    path = beside(config.journal.path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # One process at a time: whoever is first makes it, or sets aside one that is damaged.
        fcntl.flock(folder, fcntl.LOCK_EX)
        return Positions.open(path)
    finally:
        os.close(folder)


def trim_once(share: Share, state: Positions) -> None:
    """Trim the journal, if that is this process's task."""
    if share.trimmed_for:
        journal = share.config.journal
        trim(journal.path, journal.keep, journal.max_size, share.trimmed_for, state)


def preparation(sink: Sink, catalogue: Path) -> Callable[[list[bytes]], list[bytes]]:
    """What happens to events on their way to a sink: completed from the catalogue, then translated."""
    enricher, vocabulary = Enricher(catalogue), sink.translate

    def prepare(lines: list[bytes]) -> list[bytes]:
        lines = enricher.complete(lines)
        return [commerce.translate(line, vocabulary) for line in lines] if vocabulary else lines

    return prepare
