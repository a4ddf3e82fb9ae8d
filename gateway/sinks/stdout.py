"""Print events on the gateway's standard output, one JSON object a line."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from anyio import to_thread

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink, Write


class Stdout(Sink, tag="stdout"):
    @asynccontextmanager
    async def connect(self, notes: bytes) -> AsyncIterator[Write]:
        yield _print


async def _print(lines: Sequence[bytes]) -> bytes:
    text = b"".join(line + b"\n" for line in lines)
    try:
        # In a thread: whoever reads our output may be slow.
        await to_thread.run_sync(_write, text)
    except OSError as error:
        raise SinkUnavailable(f"standard output: {error.strerror}") from error
    return b""


def _write(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
