"""Sinks that remember their batches."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from gateway.sinks.base import Batch, Connection, Sink


class Recorder(Sink, tag="recorder"):
    """Remembers its batches; raises what `script` says instead, or after it has the batch."""

    batches: list[Batch] = msgspec.field(default_factory=list)
    script: list[Exception | None] = msgspec.field(default_factory=list)

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        yield RecorderConnection(self)


class Named(Recorder, tag="named"):
    """Recognizes batches by their id."""

    once_by_batch = True


class RecorderConnection:
    receipt = b""

    def __init__(self, sink: Recorder) -> None:
        self._sink = sink

    async def write(self, batch: Batch, /) -> bytes:
        self._sink.batches.append(batch)
        error = self._sink.script.pop(0) if self._sink.script else None
        if error:
            raise error
        return b""


def ids(sink: Recorder) -> list[str]:
    """Return the ids of all batches, in the order in which they were written."""
    return [batch.id for batch in sink.batches]
