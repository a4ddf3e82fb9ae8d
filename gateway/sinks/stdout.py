"""Print events on the gateway's standard output, one JSON object per line."""

import os
import select
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

from anyio import to_thread

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink

_POLL_MILLISECONDS = 200  # between two checks for cancellation while the reader is slow


class Stdout(Sink, tag="stdout"):
    uses_stdout = True
    target = "standard output"

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        yield StdoutConnection()


class StdoutConnection:
    """Writes in a thread, and waits for a slow reader. A cancelled write may leave a partial line."""

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
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    rest = memoryview(data)
    while rest and not cancelled.is_set():
        # A pipe that is ready accepts PIPE_BUF bytes without blocking. A thread that blocks forever would
        # keep the process from exiting.
        if poll.poll(_POLL_MILLISECONDS) and not cancelled.is_set():
            rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
