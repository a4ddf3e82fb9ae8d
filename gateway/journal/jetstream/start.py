"""The start of a gateway: ensure that the streams exist and keep what `[journal] require` demands."""

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.jetstream import promise, streams
from gateway.journal.jetstream.link import Away, Link

_START_SECONDS = 15.0  # within which the engine must answer


def prepare(journal: Journal, seconds: float = _START_SECONDS) -> bytes:
    """
    Create the streams that are missing, and return the journal's id, 16 bytes. Blocks for `seconds` at most.

    Raises ConfigError, in one line with the remedy, if the engine does not answer, if the streams are not as
    configured, or if they keep less than is required.
    """
    with ThreadPoolExecutor(1) as thread:  # the caller's may have an event loop
        return thread.submit(asyncio.run, _prepare(journal, seconds)).result()


async def _prepare(journal: Journal, seconds: float) -> bytes:
    until = time.monotonic() + seconds
    link = Link(journal)
    try:
        first = await streams.prepare(link, journal, "0", uuid.uuid4().hex, until)
        identity = first.metadata[streams.IDENTITY]
        for number in range(1, journal.partitions):
            await streams.prepare(link, journal, str(number), identity, until)
        await promise.check(journal)
    except Away as error:
        servers = ", ".join(journal.servers)
        raise ConfigError(f"[journal] servers: no JetStream at {servers}: {error}") from error
    finally:
        await link.close()
    return bytes.fromhex(identity)
