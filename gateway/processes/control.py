"""
The child's side of its connection with the supervisor.

A pipe brings new configurations, and closes when the supervisor dies. SIGTERM asks the child to finish.
"""

import gc
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import current_process
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket
from typing import Any, cast

import anyio
import uvicorn
from anyio.abc import TaskGroup
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway import logs, metrics

STUCK = os.EX_TEMPFAIL
"""Exit status (75) of a process that could not stop a sink's worker."""

STATE_LOST = os.EX_IOERR
"""Exit status (74) of a process whose state was removed or replaced while it was open."""

REASONS = {
    STUCK: "a sink does not stop",
    STATE_LOST: "the state was removed or replaced",
}
"""Reasons for the end of a process, by exit status."""

READY = "ready"
"""Message of a child that has begun its work, or has applied a new configuration."""

LOADED = "loaded"
"""Message of a child that can do its work as soon as its predecessor has ended."""

DRAIN = "drain"
"""Message to an intake process that will soon be stopped: load balancers must send it no more requests."""


class Control:
    """The child's end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        """Tell the supervisor that the process does its work; the process exits if the supervisor is dead."""
        # Objects that exist now will stay: the garbage collector need not visit them again.
        gc.collect()
        gc.freeze()
        self._send(READY)

    def _send(self, message: str) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            os._exit(1)  # as in `_listen`; an exception would make uvicorn answer waiting requests with 500

    def loaded(self) -> None:
        """Tell the supervisor that the process only waits for what its predecessor still holds."""
        self._send(LOADED)

    def rename(self, name: str) -> None:
        """Give the process another name; metrics continue in the file of that name."""
        current_process().name = name
        metrics.reopen()
        _show_name()

    async def obey(self, stop: Callable[[], None], reload: Callable[[Any], Awaitable[None]]) -> None:
        """Call `stop` on SIGTERM, and `reload` with each message from the supervisor, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, reload, tasks)
            # A terminal sends SIGINT and SIGHUP to all processes, but only the supervisor acts on them.
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
                async for number in signals:
                    if number == signal.SIGTERM:
                        stop()

    async def _listen(self, reload: Callable[[Any], Awaitable[None]], tasks: TaskGroup) -> None:
        while True:
            await anyio.wait_readable(self._pipe.fileno())
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                # The supervisor was killed, and its successor needs the port and the partition now.
                os._exit(1)
            # As a task, so that the end of the pipe is noticed in the meantime.
            tasks.start_soon(self._apply, reload, message)

    async def _apply(self, reload: Callable[[Any], Awaitable[None]], message: object) -> None:
        await reload(message)
        try:
            self._pipe.send(READY)
        except OSError:  # the supervisor has ended, which `_listen` is about to notice
            pass


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run `main` as a child process, with logs, metrics and a name of its own."""
    logs.configure()
    metrics.begin()
    _show_name()
    anyio.run(main, backend_options={"use_uvloop": True})


def _show_name() -> None:
    """Let ps and top show the name of this process."""
    title = Path("/proc/self/comm")
    if title.exists():
        title.write_text(f"gw-{current_process().name}")


class Server(uvicorn.Server):
    """
    uvicorn with the same settings in all processes, and without its signal handlers: Control has its own.

    `grace` is how many seconds requests in flight may still take after a stop.
    """

    def __init__(self, app: ASGIApp, control: Control, grace: float, http: type[HttpToolsProtocol]) -> None:
        config = uvicorn.Config(
            app,
            http=http,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=cast(int, grace),  # asyncio takes fractions of a second too
        )
        super().__init__(config)
        self.control = control

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a generator there
        return nullcontext()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.control.ready()

    def stop(self) -> None:
        """Accept no more connections, answer requests in flight, and return from `serve`."""
        self.should_exit = True
