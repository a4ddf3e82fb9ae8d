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

from gateway.backoff import delays
from gateway.errors import ConfigError
from gateway.processes.control import READY, REASONS

log = structlog.get_logger()

_spawn = multiprocessing.get_context("spawn")

_DYING = 1.0  # seconds; a process that waits for its disk may take longer to end, and is heard of then


class Child:
    """`main` is called in a new process with `arguments()` and the child's end of a pipe (see control.py)."""

    def __init__(
        self, name: str, main: Callable[..., None], arguments: Callable[[], tuple[Any, ...]]
    ) -> None:
        self.name = name
        self.main = main
        self.arguments = arguments
        self.ready = False
        self.settled = False
        """Whether it has confirmed the last that it was told, or started with."""
        self.due = 0.0
        """When it is to be started again, by time.monotonic()."""
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._expected = False
        self._trouble = ""
        self._delays = delays(0.5, 10.0)

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def events(self) -> list[Any]:
        """What multiprocessing.connection.wait can wait for."""
        return [each for each in (self._process and self._process.sentinel, self._pipe) if each is not None]

    def start(self) -> None:
        """Start it, or log why that is not possible now and leave it to be started again when it is due."""
        try:
            self._process, self._pipe = self._spawn()
        except (OSError, ConfigError) as error:  # no memory, no descriptors; or what it needs is not there
            if str(error) != self._trouble:
                log.error("process cannot be started, trying again", process=self.name, error=str(error))
            self._trouble = str(error)
            self.due = time.monotonic() + next(self._delays)
            return
        if self._trouble:
            log.info("process started after all", process=self.name)
        self._trouble = ""
        self.ready = self.settled = self._expected = False

    def _spawn(self) -> tuple[SpawnProcess, Connection]:
        own = self.arguments()
        ours, theirs = _spawn.Pipe()
        arguments = (*own, theirs)
        process = _spawn.Process(target=self.main, name=self.name, args=arguments, daemon=False)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            resource_tracker.ensure_running()  # which would be started by it, and unblock SIGINT
            # It inherits what is blocked, so as not to end with Ctrl-C or its terminal, but when it is told.
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        return process, ours

    def notice(self, event: Any) -> None:
        """Take in one of the events, if it is this child's."""
        if self._pipe is not None and event is self._pipe:
            try:
                self.ready = self.settled = self._pipe.recv() == READY
            except (EOFError, OSError):
                self._pipe.close()
                self._pipe = None
        elif self._process is not None and event == self._process.sentinel:
            self._ended()

    def send(self, message: object) -> None:
        """Tell the child; one that is just ending will hear of it when it starts again."""
        self.settled = False
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
        """End it without warning; otherwise as `terminate`."""
        self._expected = True
        if self._process:
            self._process.kill()
            self._ended()

    def _ended(self) -> None:
        if not self._process:
            return
        self._process.join(_DYING)
        status = self._process.exitcode
        if status is None:
            return
        self._process.close()
        if self._pipe:
            self._pipe.close()
        if self.ready:
            self._delays, self.due = delays(0.5, 10.0), time.monotonic()
        else:  # it never did its work: perhaps it cannot
            self.due = time.monotonic() + next(self._delays)
        if not self._expected:
            known = {"reason": REASONS[status]} if status in REASONS else {}
            log.warning("process ended, starting it again", process=self.name, status=status, **known)
        self._process, self._pipe, self.ready, self.settled = None, None, False, False
