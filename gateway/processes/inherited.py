"""A process that the supervisor started before it replaced itself with a new program."""

import os
from contextlib import suppress
from multiprocessing.connection import wait
from signal import SIGKILL, SIGTERM
from typing import Protocol

import msgspec


class Process(Protocol):
    """A process, with the interface that multiprocessing gives to those it starts."""

    @property
    def pid(self) -> int | None: ...
    @property
    def sentinel(self) -> int: ...
    @property
    def exitcode(self) -> int | None: ...
    def join(self, timeout: float | None = None) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


class Inherited(msgspec.Struct):
    """Implements Process, with what survives when a process replaces itself: numbers and descriptors."""

    name: str
    pid: int
    sentinel: int
    """Descriptor that becomes readable when the process ends."""
    pipe: int
    """Descriptor of the connection to its Control; -1 if closed."""
    exitcode: int | None = None

    @property
    def descriptors(self) -> list[int]:
        return [each for each in (self.sentinel, self.pipe) if each >= 0]

    def join(self, timeout: float | None = None) -> None:
        """Wait until the process has ended, at most `timeout` seconds, and set `exitcode`."""
        if self.exitcode is None and wait([self.sentinel], timeout):
            _, status = os.waitpid(self.pid, 0)
            self.exitcode = os.waitstatus_to_exitcode(status)

    def terminate(self) -> None:
        self._send(SIGTERM)

    def kill(self) -> None:
        self._send(SIGKILL)

    def close(self) -> None:
        os.close(self.sentinel)

    def _send(self, signal: int) -> None:
        if self.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal)
