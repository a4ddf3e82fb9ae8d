"""One of the supervisor's processes, and those that take its place when it ends."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import structlog

from gateway.app.control import READY
from gateway.delivery.backoff import delays

log = structlog.get_logger()

_spawn = multiprocessing.get_context("spawn")


class Child:
    """`main` is called in a new process with `arguments()` and the child's end of a pipe (see control.py)."""

    def __init__(
        self, name: str, main: Callable[..., None], arguments: Callable[[], tuple[Any, ...]]
    ) -> None:
        self.name = name
        self.main = main
        self.arguments = arguments
        self.ready = False
        self.due = 0.0
        """When it is to be started again, by time.monotonic()."""
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._expected = False
        self._delays = delays(0.5, 10.0)

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def events(self) -> list[Any]:
        """What multiprocessing.connection.wait can wait for."""
        return [each for each in (self._process and self._process.sentinel, self._pipe) if each is not None]

    def start(self) -> None:
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(
            target=self.main, name=self.name, args=(*self.arguments(), theirs), daemon=False
        )
        # It inherits what is blocked, so as not to end with Ctrl-C or its terminal, but when it is told to.
        resource_tracker.ensure_running()  # which would be started by it, and unblock SIGINT
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
        self._process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self.ready = self._expected = False

    def notice(self, event: Any) -> None:
        """Take in one of the events, if it is this child's."""
        if self._pipe is not None and event is self._pipe:
            try:
                self.ready = self._pipe.recv() == READY
            except (EOFError, OSError):
                self._pipe.close()
                self._pipe = None
        elif self._process is not None and event == self._process.sentinel:
            self._ended()

    def send(self, message: object) -> None:
        """Tell the child; one that is just ending will hear of it when it starts again."""
        try:
            if self._pipe:
                self._pipe.send(message)
        except OSError:
            pass

    def terminate(self) -> None:
        """End it; unless the gateway ends too, another with new arguments takes its place."""
        self._expected = True
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join()
            self._ended()

    def _ended(self) -> None:
        if not self._process:
            return
        self._process.join()
        status = self._process.exitcode
        self._process.close()
        if self._pipe:
            self._pipe.close()
        if self.ready:
            self._delays, self.due = delays(0.5, 10.0), time.monotonic()
        else:  # it never did its work: perhaps it cannot
            self.due = time.monotonic() + next(self._delays)
        if not self._expected:
            log.warning("process ended, starting it again", process=self.name, status=status)
        self._process, self._pipe, self.ready = None, None, False
