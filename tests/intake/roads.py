"""Two servers in one thread that differ only in whether ordinary requests may take the short road."""

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop

from gateway.errors import JournalUnavailable, Overloaded
from gateway.intake.backlog import Backlog
from gateway.intake.protocol import Protocol
from gateway.intake.router import Router
from gateway.intake.short_road import Exchange
from gateway.journal.chunk import ANYTHING
from gateway.sources import Source
from tests.build import Door
from tests.fakes import MemoryJournal
from tests.gateway import PATIENCE, until

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_DATE = re.compile(rb"\r\ndate: [^\r]+")
_NOW = re.compile(rb'"(?:receivedAt|timestamp)":"20[^"]+"')
_TOO_MUCH = b'"event":"too much waits"'
_NEVER = b'"event":"never durable"'


class TroubledJournal(MemoryJournal):
    """Refuses events that ask for it by their name."""

    async def append(
        self,
        blocks: Sequence[bytes],
        carries: int = ANYTHING,
        count: int | None = None,
        partitions: Sequence[int] = (),
        /,
    ) -> None:
        if any(b'"event":"the disk is full"' in block for block in blocks):
            raise JournalUnavailable("it was asked for")
        if any(_TOO_MUCH in block for block in blocks):
            raise Overloaded
        if any(_NEVER in block for block in blocks):
            await asyncio.get_running_loop().create_future()
        await super().append(blocks, carries, count, partitions)

    def append_then(
        self, block: bytes, carries: int, count: int, done: Any, partitions: Sequence[int] = (), /
    ) -> None:
        if _TOO_MUCH in block:
            raise Overloaded  # at once, as the writer does
        if _NEVER in block:
            return
        super().append_then(block, carries, count, done, partitions)


class Side:
    """One of the two servers."""

    def __init__(self, sources: Sequence[Source], *, short: bool) -> None:
        self.journal = TroubledJournal()
        self.router: Router = Door(*sources, journal=self.journal).router
        self.router.backlog = Backlog(
            self.router.budget, lambda begin_turn: asyncio.get_running_loop().call_soon(begin_turn)
        )
        self.short_requests = 0
        self.heads = 0
        self.loop: asyncio.AbstractEventLoop
        if not short:
            self.router.short_roads = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.server = _Server(
            uvicorn.Config(
                self.router,
                http=_counting(self),
                ws="none",
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_notify=3600,
                timeout_graceful_shutdown=1,
            )
        )

    def exchange(self, pieces: Sequence[bytes]) -> bytes:
        """Return all that the server answers to a connection, sent in these pieces, until it ends it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = b""
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while received := connection.recv(65536):
                    answers += received
            except ConnectionError:
                pass  # what follows a refused head is not read
        return _UUID.sub(b"(id)", _DATE.sub(b"", answers))

    def first_answer(self, sent: bytes) -> bytes:
        """Send the beginning of a request that is answered before it is complete, and return the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(sent)
            return _DATE.sub(b"", connection.recv(65536))

    def hang_up(self, sent: bytes) -> None:
        """Send something and leave; return when the server has noticed it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(sent)
            until(lambda: any(each.cycle for each in self.connections))
        until(lambda: not self.connections)

    @property
    def connections(self) -> list[Protocol]:
        return [each for each in list(self.server.server_state.connections) if isinstance(each, Protocol)]

    @property
    def connection(self) -> Protocol:
        """The only one, once those before it have ended."""
        until(lambda: len(self.connections) == 1)
        return self.connections[0]

    def answer_after(self, seconds: float, begin: bytes, rest: bytes) -> bytes:
        """Return the answer to a request whose rest is sent so much later, by the clock of the deadlines."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(begin)
            until(lambda: any(each.cycle for each in self.connections))
            asyncio.run_coroutine_threadsafe(self._pass(seconds), self.loop).result(PATIENCE)
            try:
                connection.sendall(rest)
                return connection.recv(65536)
            except ConnectionError:
                return b""

    def cuts_off_after(self, seconds: float, connected: Callable[[Protocol], bool]) -> bool:
        """
        Return True if the deadlines cut the only connection off when nothing happens on it for so long.

        `connected` says when what was sent on it has arrived.
        """
        until(lambda: [each for each in self.connections if connected(each)])
        connection = self.connection
        asyncio.run_coroutine_threadsafe(self._pass(seconds), self.loop).result(PATIENCE)
        return connection.transport.is_closing()

    def shut_down(self, connection: Protocol) -> None:
        """Have a connection shut down as a server does that stops."""
        self.run(connection.shutdown)

    def run(self, call: Callable[[], object]) -> None:
        """Call something on the event loop of the server."""

        async def run() -> None:
            call()

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    async def _pass(self, seconds: float) -> None:
        for now in (0.0, seconds):
            for each in self.connections:
                each.check(now)

    def take_lines(self) -> list[bytes]:
        """Return the lines stored since the last call, without what differs from one moment to the next."""
        lines, self.journal.lines = self.journal.lines, []
        return [_UUID.sub(b"(id)", _NOW.sub(b"(now)", line)) for line in lines]


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None: ...


def _counting(side: Side) -> type[Protocol]:
    """Return the protocol of a side, which counts heads that are read, and those that take the short road."""

    class Counting(Protocol):
        def on_headers_complete(self) -> None:
            before = self.cycle
            super().on_headers_complete()
            side.heads += 1
            side.short_requests += self.cycle is not before and isinstance(self.cycle, Exchange)

    return Counting


@contextmanager
def both(*sources: Source) -> Iterator[tuple[Side, Side]]:
    """Run the server with the short road and the one without."""
    sides = Side(sources, short=True), Side(sources, short=False)
    thread = threading.Thread(target=lambda: uvloop.run(_serve(sides)))
    thread.start()
    try:
        until(lambda: all(side.server.started for side in sides))
        yield sides
    finally:
        for side in sides:
            side.server.should_exit = True
        thread.join()
        for side in sides:
            side.listener.close()


async def _serve(sides: Sequence[Side]) -> None:
    for side in sides:
        side.loop = asyncio.get_running_loop()
    await asyncio.gather(*(side.server._serve([side.listener]) for side in sides))
