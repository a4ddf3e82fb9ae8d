"""
A child process of the supervisor, restarted whenever it ends.

It is a fork: the supervisor has loaded the code of all children, so that a child starts in milliseconds and
shares memory with the others. The supervisor has a single thread and no event loop when it forks.
"""

import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket
from typing import Any, Self

import structlog

from gateway.backoff import delays
from gateway.errors import ConfigError
from gateway.processes.control import LOADED, READY, REASONS
from gateway.processes.inherited import Inherited, Process

log = structlog.get_logger()

_context = multiprocessing.get_context("fork")

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_EXIT_WAIT = 1.0
"""Seconds to wait for a process that is ending; one that waits for its disk is noticed once it has ended."""


class Child:
    """
    A process that calls `main` with `arguments()` and its end of a pipe (see control.py).

    `first_name` is the process's name until it takes its own.
    """

    def __init__(
        self,
        name: str,
        main: Callable[..., None],
        arguments: Callable[[], tuple[Any, ...]],
        first_name: str = "",
    ) -> None:
        self.name = name
        self.main = main
        self.arguments = arguments
        self.first_name = first_name or name
        self.loaded = False
        """True once the process only waits for its predecessor to end."""
        self.ready = False
        """True once the process does its work."""
        self.confirmed = False
        """True once the process has confirmed the last message, or the arguments that it was started with."""
        self.due = 0.0
        """When it is to be started again, by time.monotonic()."""
        self.failing_since: float | None = None
        """When the system began to refuse to start it, by time.monotonic()."""
        self._process: Process | None = None
        self._pipe: Connection | None = None
        self._expected = False
        self._error = ""
        self._delays = delays(0.5, 10.0)

    @classmethod
    def inherit(cls, inherited: Inherited) -> Self:
        """Return a child that a predecessor of this process started. It is not restarted."""
        child = cls(inherited.name, print, tuple)
        child._process = inherited
        child._pipe = Connection(inherited.pipe) if inherited.pipe >= 0 else None
        child._expected = True
        return child

    def bequeath(self) -> Inherited:
        """Return the running child in the form that a successor of this process inherits."""
        assert self._process
        pipe = self._pipe.fileno() if self._pipe else -1
        return Inherited(self.name, self._process.pid or 0, self._process.sentinel, pipe)

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def events(self) -> list[Any]:
        """The events of the process, for multiprocessing.connection.wait."""
        return [each for each in (self._process and self._process.sentinel, self._pipe) if each is not None]

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process. If it cannot be started now, log why, and set when to try again."""
        try:
            self._process, self._pipe = self._fork()
        except Exception as error:  # whatever it is, the others must go on
            if str(error) != self._error:
                log.error("process not started, trying again", process=self.name, error=str(error))
            self._error = str(error)
            self.due = time.monotonic() + next(self._delays)
            if not isinstance(error, ConfigError):  # unusable data costs only what needs it
                self.failing_since = self.failing_since or time.monotonic()
            return
        if self._error:
            log.info("process started", process=self.name)
        self._error, self.failing_since = "", None
        self.loaded = self.ready = self.confirmed = self._expected = False

    def _fork(self) -> tuple[Process, Connection]:
        _leave_removed_folder()
        own = self.arguments()
        ours, theirs = _context.Pipe()
        kept = {0, 1, 2, theirs.fileno(), *(each.fileno() for each in own if isinstance(each, socket))}
        try:
            foreign = _descriptors() - kept
            arguments = (foreign, self.main, *own, theirs)
            process = _context.Process(target=_begin, name=self.first_name, args=arguments, daemon=False)
            # The child begins with our handlers, which must not report its signals to us.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            gc.collect()
            gc.freeze()  # otherwise the child's garbage collector would copy what it visits
            try:
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return process, ours

    def notice(self, event: Any) -> None:
        """Handle an event, if it is one of this process."""
        if self._pipe is not None and event is self._pipe:
            try:
                message = self._pipe.recv()
                if message == LOADED:
                    self.loaded = True
                else:
                    self.ready = self.confirmed = message == READY
            except (EOFError, OSError):
                self._pipe.close()
                self._pipe = None
        elif self._process is not None and event == self._process.sentinel:
            self._ended()

    def send(self, message: object) -> None:
        """Send a message. A process that is ending gets the content as arguments when it is restarted."""
        self.confirmed = False
        try:
            if self._pipe:
                self._pipe.send(message)
        except OSError:
            pass

    def terminate(self) -> None:
        """Ask the process to end. `notice` makes it due again."""
        self._expected = True
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the process, and wait up to a second for its end; it is then due again."""
        self._expected = True
        if self._process:
            self._process.kill()
            self._ended()

    def _ended(self) -> None:
        if not self._process:
            return
        self._process.join(_EXIT_WAIT)
        status = self._process.exitcode
        if status is None:
            return
        self._process.close()
        if self._pipe:
            self._pipe.close()
        if self.ready:
            self._delays, self.due = delays(0.5, 10.0), time.monotonic()
        else:  # it failed at its start, and may do so again
            self.due = time.monotonic() + next(self._delays)
        if not self._expected:
            reason = {"reason": REASONS[status]} if status in REASONS else {}
            log.warning("process ended, starting it again", process=self.name, status=status, **reason)
        self._process, self._pipe = None, None
        self.loaded = self.ready = self.confirmed = False


def _descriptors() -> set[int]:
    """Return the open descriptors of this process. Raises OSError."""
    listed = [int(each.name) for each in Path("/proc/self/fd").iterdir()]
    # The descriptor that listed them is closed now, and another file may get its number.
    return {each for each in listed if Path(f"/proc/self/fd/{each}").is_symlink()}


def _begin(foreign: Collection[int], main: Callable[..., None], *arguments: Any) -> None:
    """Call `main` in the new process, without the supervisor's signals and `foreign` descriptors."""
    # Ctrl-C and a closed terminal stay blocked: they must not end the child before SIGTERM does.
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in foreign:
        # If it were closed, another file could get its number while objects still use it.
        os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    main(*arguments)


def _leave_removed_folder() -> None:
    """Change to the root folder if the working folder was removed: no process can be started in it."""
    try:
        os.getcwd()  # noqa: PTH109  # asked, not used
    except FileNotFoundError:
        os.chdir("/")  # every path of a configuration is absolute
