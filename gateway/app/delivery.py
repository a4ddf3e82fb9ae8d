"""The back half of the gateway: one worker a sink, and the deletion of what all of them have."""

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import anyio
import apsw
import structlog
from anyio import to_thread

from gateway import commerce
from gateway.app.control import Control, run
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


def main(config: Config, pipe: Connection) -> None:
    """Deliver to all sinks until the supervisor says otherwise."""
    run(lambda: deliver(config, Control(pipe)))


async def deliver(config: Config, control: Control) -> None:
    journal = config.journal
    positions = Positions.open(beside(journal.path))
    workers = [
        Worker(name, sink, journal.path, positions, prepare=preparation(sink, products(journal.path)))
        for name, sink in config.sinks.items()
    ]

    async def trim_for_ever() -> None:
        while True:
            await anyio.sleep(_TRIM_EVERY)
            try:
                await to_thread.run_sync(
                    trim, journal.path, journal.keep, journal.max_size, config.sinks, positions
                )
            except (apsw.Error, OSError) as error:  # what is too much now goes later
                log.warning("journal not trimmed", error=str(error))

    def stop() -> None:
        delivering.cancel_scope.deadline = anyio.current_time() + LAST_WORK
        for worker in workers:
            worker.stopping = True

    async with anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as delivering:
            # A new configuration comes with a new process: this one can be stopped at any moment.
            tasks.start_soon(control.obey, stop, lambda _: None)
            tasks.start_soon(trim_for_ever)
            for worker in workers:
                delivering.start_soon(worker.run)
            control.ready()
        tasks.cancel_scope.cancel()
    positions.close()


def preparation(sink: Sink, catalogue: Path) -> Callable[[list[bytes]], list[bytes]]:
    """What happens to events on their way to a sink: completed from the catalogue, then translated."""
    enricher, vocabulary = Enricher(catalogue), sink.translate

    def prepare(lines: list[bytes]) -> list[bytes]:
        lines = enricher.complete(lines)
        return [commerce.translate(line, vocabulary) for line in lines] if vocabulary else lines

    return prepare
