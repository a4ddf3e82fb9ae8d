"""Print events on the gateway's standard output, one JSON object a line."""

import os
import select
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

from anyio import to_thread

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink

_LOOK = 200  # milliseconds between two looks whether a reader that takes nothing is still waited for


class Stdout(Sink, tag="stdout"):
    uses_stdout = True

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        yield StandardOutput()


class StandardOutput:
    """Waits for a slow reader as long as the task does; one that is cancelled may leave half a line."""

    receipt = b""

    async def write(self, batch: Batch, /) -> bytes:
        cancelled = Event()
        try:
            await to_thread.run_sync(_write, batch.data, cancelled, abandon_on_cancel=True)
        except OSError as error:
            raise SinkUnavailable(f"standard output: {error.strerror}") from error
        finally:
            cancelled.set()
        return b""


def _write(data: bytes, cancelled: Event) -> None:
    descriptor = sys.stdout.fileno()
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    rest = memoryview(data)
    while rest and not cancelled.is_set():
        # A pipe that has room takes PIPE_BUF bytes without blocking. A thread that blocks for ever would keep
        # the process from ending.
        if room.poll(_LOOK) and not cancelled.is_set():
            rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
