"""Many connections at once, from one thread: load on a schedule, and connections that misbehave."""

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.build import to_json
from tests.gateway import Gateway

_TIMEOUT = 120.0


class Answered(NamedTuple):
    """A request that was answered."""

    number: int
    """Of the request."""
    status: int
    retry_after: int
    """0 if there is no such header."""
    seconds: float
    """From when it was due to its answer."""


class Connection:
    """A connection that sends a request when it is told to."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> tuple[int, dict[str, str]]:
        """Send a request, and return status and headers of the answer."""
        self._writer.write(request)
        await self._writer.drain()
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")[:-2]
        headers = dict(line.lower().split(": ", 1) for line in lines)
        await self._reader.readexactly(int(headers.get("content-length", 0)))
        return int(first.split()[1]), headers


class Template:
    """A POST whose body differs from the others by a number, which stands for each MARK in it."""

    MARK = "@NUMBER@"

    def __init__(self, path: str, body: Any, key: str = "dev") -> None:
        text = to_json(body)
        head = f"POST {path} HTTP/1.1\r\nHost: gateway\r\nX-Write-Key: {key}\r\nContent-Length: {len(text)}"
        self._text = head.encode() + b"\r\n\r\n" + text

    def __call__(self, number: int) -> bytes:
        return self._text.replace(self.MARK.encode(), b"%08d" % number)


async def load(
    port: int, make: Callable[[int], bytes], rate: float, count: int, connections: int
) -> list[Answered]:
    """
    Send `count` requests, `rate` of them a second, whether or not earlier ones are answered.

    With math.inf each connection sends as soon as it has its answer. Raises if a connection breaks.
    """
    due: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
    found: list[Answered] = []

    async def send() -> None:
        async with Connection(port) as connection:
            while True:
                number, moment = await due.get()
                status, headers = await connection.ask(make(number))
                seconds = time.monotonic() - moment
                found.append(Answered(number, status, int(headers.get("retry-after", 0)), seconds))
                due.task_done()

    begun = time.monotonic()
    async with asyncio.timeout(_TIMEOUT + count / rate), asyncio.TaskGroup() as tasks:
        senders = [tasks.create_task(send()) for _ in range(connections)]
        for number in range(count):
            moment = begun + number / rate
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            due.put_nowait((number, moment if rate < math.inf else time.monotonic()))
        await due.join()
        for sender in senders:
            sender.cancel()
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile; 0 of nothing."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def peak_bytes(running: Gateway, process: str = "intake-0") -> int:
    """Return the most memory that a process has had resident."""
    status = Path(f"/proc/{running.children()[process]}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def report(title: str, **figures: object) -> None:
    """Print figures, which no test asserts: pytest -s shows them."""
    print(title, json.dumps(figures))
