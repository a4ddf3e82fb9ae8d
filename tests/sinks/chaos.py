"""A target on loopback that answers each request as it is told to, also wrongly."""

import asyncio
import atexit
import random
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self

SUCCESS = b'{"success": true}'


class Request(NamedTuple):
    """A request as it arrived; the names of its headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer(NamedTuple):
    """The client's end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        pairs = {"Content-Length": str(len(body) if length is None else length), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in pairs.items())
        self.writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


Behaviour = Callable[[Peer], Awaitable[bool]]
"""Answers one request; returns True if the connection stays open for another."""


def answer(status: int = 200, body: bytes = SUCCESS, **headers: str) -> Behaviour:
    """Answer properly; a header's name has "_" for "-"."""

    async def behave(peer: Peer) -> bool:
        peer.send(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return behave


async def hang_up(peer: Peer) -> bool:
    """Close the connection without an answer."""
    return False


async def reset(peer: Peer) -> bool:
    """Answer with a TCP reset."""
    peer.writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    peer.writer.transport.abort()
    return False


async def never_answer(peer: Peer) -> bool:
    """Keep the client waiting until it gives up."""
    await peer.reader.read(1)
    return False


async def half_a_head(peer: Peer) -> bool:
    """Break off within the head of the answer."""
    peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-")
    return False


def half_a_body(status: int = 200) -> Behaviour:
    """Break off within the body of the answer."""

    async def behave(peer: Peer) -> bool:
        peer.send(status, b'{"success"', {}, length=1000)
        return False

    return behave


async def stall_in_body(peer: Peer) -> bool:
    """Send the head of a success and no body, until the client gives up."""
    peer.send(200, b"", {}, length=1000)
    return await never_answer(peer)


async def endless_body(peer: Peer) -> bool:
    """Send a success whose body ends only when the client does not want more of it."""
    peer.send(200, b"", {}, length=2**40)
    try:
        while True:
            peer.writer.write(b"x" * 65536)
            await peer.writer.drain()
    except ConnectionError:
        return False


async def not_http(peer: Peer) -> bool:
    """Answer in another protocol."""
    peer.writer.write(b"220 mail.example ESMTP\r\n")
    return False


ACCEPT = answer()
SUCCESSES: tuple[Behaviour, ...] = (
    ACCEPT,
    answer(200, b'{"success": false, "error": "said with a 200"}'),
    half_a_body(),
)
"""The ways to take a request."""
MIX: tuple[Behaviour, ...] = (
    *(ACCEPT,) * 11,
    *SUCCESSES,
    answer(500, b"oops"),
    answer(503, b"", Retry_After="0"),
    answer(429, b"slower", Retry_After="1"),
    hang_up,
    reset,
    half_a_head,
    never_answer,
)
"""Nothing that refuses an event: whoever is patient delivers all of them."""


def script(*behaviours: Behaviour, then: Behaviour = ACCEPT) -> Callable[[Request], Behaviour]:
    """Behave in turn, and then always in the last way."""
    left = list(behaviours)
    return lambda request: left.pop(0) if left else then


def mixed(chance: random.Random) -> Callable[[Request], Behaviour]:
    """Behave in any way of MIX."""
    return lambda request: chance.choice(MIX)


class Target:
    """A server in a thread of its own for the duration of the block; `decide` may look at the request."""

    def __init__(
        self,
        decide: Callable[[Request], Behaviour] | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.port = port
        self._decide = decide or script()
        self._tls = tls
        self._answering: set[asyncio.Task[None]] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of all requests."""
        return [request.body for request in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        self._loop.remove_reader(server.sockets[0])  # a connection whose task has not begun would stay open
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._answering:
                task.cancel()
            await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(reader, writer)
        task = asyncio.current_task()
        assert task
        self._answering.add(task)
        try:
            while request := await _read(reader):
                self.requests.append(request)
                if not await self._decide(request)(peer):
                    break
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._answering.remove(task)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = start.split(" ")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    return Request(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@cache
def standing_target() -> Target:
    """One that accepts everything, and stays until the tests end."""
    target = Target().__enter__()
    atexit.register(target.__exit__)
    return target
