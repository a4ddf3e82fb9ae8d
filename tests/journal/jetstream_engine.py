"""The journal on a real NATS server, for the tests of the contract."""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import msgspec

from gateway.config.secret import Secret
from gateway.config.tables import Journal
from gateway.config.units import Size
from gateway.journal.base import Promise
from gateway.journal.jetstream import api, start, streams
from gateway.journal.jetstream.link import Link
from gateway.journal.jetstream.log import JetStreamLog
from gateway.journal.jetstream.partition import StreamPartition
from gateway.journal.jetstream.tail import Tails
from gateway.journal.publisher import MAX_CHUNK_BYTES, Publisher, Waiting
from gateway.journal.spread import Spread
from tests.sinks.nats_server import PASSWORD, USER, NatsServer

_PATIENCE_SECONDS = 10.0


@cache
def syncing_server() -> NatsServer:
    """Return the server that the tests of this process share; it syncs before it acknowledges."""
    return NatsServer(sync="always")


def on(server: NatsServer, **changes: Any) -> Journal:
    """Return a configuration of a new journal on one server."""
    journal = Journal(
        engine="jetstream",
        servers=(server.address,),
        name=f"j{secrets.token_hex(4)}",
        partitions=2,
        replicas=1,
        require="fsync",
        monitor=(server.monitor,),
        user=USER,
        password=Secret(PASSWORD),
        max_size=Size(2**30),
    )
    return msgspec.structs.replace(journal, **changes)


class OnJetStream:
    """An engine of the contract tests: a journal of its own on the shared server."""

    largest_event = MAX_CHUNK_BYTES - 1000

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal or on(syncing_server())
        start.prepare(self.journal)
        self.log = JetStreamLog(self.journal)
        self._copies: list[OnJetStream] = []

    def appender(self, partition: str) -> "OneStream":
        return OneStream(self.journal, partition)

    def crashed(self) -> "OnJetStream":
        copy = OnJetStream(on(syncing_server()))
        self._copies.append(copy)
        run(_copy(self.journal, copy.journal))
        return copy

    def close(self) -> None:
        self.log.close()
        run(_delete(self.journal))
        for copy in self._copies:
            copy.close()


class OneStream(Spread):
    """An appender of one partition alone, with a connection of its own."""

    def __init__(self, journal: Journal, partition: str) -> None:
        tails, waiting, promise = Tails(), Waiting(), Promise()
        self.link = Link(journal, streams.announcements(journal), tails.hear)
        stream = StreamPartition(self.link, journal, partition, tails, promise)
        super().__init__([Publisher(stream, waiting)], waiting, promise)

    async def close(self) -> None:
        await super().close()
        await self.link.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end; the caller's thread may have an event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _copy(journal: Journal, other: Journal) -> None:
    """Publish all messages of a journal to another one, as a backup that is restored."""
    until = time.monotonic() + _PATIENCE_SECONDS
    link = Link(journal)
    try:
        for number in range(journal.partitions):
            name = streams.stream(journal, str(number))
            sequence = 1
            while True:
                request = api.encode(seq=sequence)
                found = await link.request(f"$JS.API.DIRECT.GET.{name}", request, until=until)
                if api.STATUS in (found.headers or {}):
                    break
                await link.request(streams.subject(other, str(number)), found.data, until=until)
                sequence += 1
    finally:
        await link.close()


async def _delete(journal: Journal) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    link = Link(journal)
    try:
        for number in range(journal.partitions):
            name = streams.stream(journal, str(number))
            await link.request(f"$JS.API.STREAM.DELETE.{name}", until=until)
    finally:
        await link.close()
