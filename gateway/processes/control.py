"""
How a child process hears from its supervisor: a pipe that brings new configurations, and whose end is the
supervisor's end; and SIGTERM, which asks it to finish.
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
from typing import Any

import anyio
import uvicorn
from anyio.abc import TaskGroup

from gateway import logs

STUCK = os.EX_TEMPFAIL
"""The exit status (75) of a process that could not stop the worker of a sink."""

STATE_LOST = os.EX_IOERR
"""The exit status (74) of a process that had a state open which was removed or replaced."""

REASONS = {
    STUCK: "a sink does not stop",
    STATE_LOST: "the state was removed or replaced",
}
"""What an exit status says of a process."""

READY = "ready"
"""What a child says once it does its work, and once a new configuration has taken effect."""


class Control:
    """The child's end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        # What is there now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        try:
            self._pipe.send(READY)
        except OSError:
            os._exit(1)  # as in `_listen`; and no request that is already here shall get a 500 from uvicorn

    async def obey(self, stop: Callable[[], None], reload: Callable[[Any], Awaitable[None]]) -> None:
        """Call `stop` at SIGTERM, and `reload` with what the supervisor sends, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, reload, tasks)
            # Ctrl-C and a terminal's end reach all its processes, but only the supervisor acts on them.
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
                # The supervisor was killed, and its successor needs our port and our partition now.
                os._exit(1)
            # The pipe's end must be noticed meanwhile.
            tasks.start_soon(self._apply, reload, message)

    async def _apply(self, reload: Callable[[Any], Awaitable[None]], message: object) -> None:
        await reload(message)
        try:
            self._pipe.send(READY)
        except OSError:  # the supervisor has ended, which `_listen` is about to notice
            pass


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a child process."""
    logs.configure()
    title = Path("/proc/self/comm")
    if title.exists():  # so that ps and top tell the children apart
        title.write_text(f"gw-{current_process().name}")
    anyio.run(main, backend_options={"use_uvloop": True})


class Server(uvicorn.Server):
    """uvicorn, on a socket of ours, leaving signals to Control."""

    def __init__(self, config: uvicorn.Config, control: Control) -> None:
        super().__init__(config)
        self.control = control

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a generator there
        return nullcontext()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.control.ready()

    def stop(self) -> None:
        self.should_exit = True
