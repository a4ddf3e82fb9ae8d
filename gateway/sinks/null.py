"""Discard events, to measure the rest of the gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.sinks.base import Batch, Connection, Sink


class Null(Sink, tag="null"):
    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        yield NullConnection()


class NullConnection:
    """Discards every batch."""

    receipt = b""

    async def write(self, batch: Batch, /) -> bytes:
        return b""
