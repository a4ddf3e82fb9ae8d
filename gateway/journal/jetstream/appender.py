"""The appender of an intake worker: its connection, its publishers, and the promise that they keep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.base import Promise
from gateway.journal.jetstream import promise as promises
from gateway.journal.jetstream import streams
from gateway.journal.jetstream.link import Away, Link
from gateway.journal.jetstream.partition import StreamPartition
from gateway.journal.jetstream.tail import Tails
from gateway.journal.publisher import Publisher, Waiting
from gateway.journal.spread import Spread

log = structlog.get_logger()

_WATCH_SECONDS = 20.0
_FIRST_SECONDS = 2.0  # within which a running engine says what it promises
_BROKEN_SECONDS = 0.5  # between two checks while nothing may be acknowledged


@asynccontextmanager
async def appending(journal: Journal) -> AsyncIterator[Spread]:
    """Lend an appender for the duration of the block; it must be closed within."""
    promise, tails, waiting = Promise("quorum", "the engine has not answered yet"), Tails(), Waiting()
    link = Link(journal, streams.announcements(journal), tails.hear)
    names = map(str, range(journal.partitions))
    partitions = [StreamPartition(link, journal, name, tails, promise) for name in names]
    asked = asyncio.Event()
    watching = asyncio.create_task(_watch(link, journal, promise, asked))
    try:
        with suppress(TimeoutError):  # without the engine, clients are told so
            async with asyncio.timeout(_FIRST_SECONDS):
                await asked.wait()
        yield Spread([Publisher(partition, waiting) for partition in partitions], waiting, promise)
    finally:
        watching.cancel()
        await asyncio.wait((watching,))
        await link.close()


async def _watch(link: Link, journal: Journal, promise: Promise, asked: asyncio.Event) -> None:
    """Keep the promise in line with the engine; nothing is acknowledged while that is too little."""
    while True:
        try:
            promise.keep(await promises.ask(link, journal))
        except ConfigError as error:
            if str(error) != promise.broken:
                log.error("journal keeps less than is required, nothing is acknowledged", error=str(error))
            promise.broken = str(error)
        except Away:
            pass
        except Exception:
            log.exception("promise of the journal not asked")
        asked.set()
        await asyncio.sleep(_BROKEN_SECONDS if promise.broken else _WATCH_SECONDS)
