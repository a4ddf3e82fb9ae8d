"""
How the supervisor takes new code: it replaces itself with a new program in the same process.

What it holds survives: the addresses, the data folder and its children. The new program starts their
successors one after another, and ends each child once its successor is loaded.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gateway.processes.inherited import Inherited

_VARIABLE = "GATEWAY_SUCCESSION"
_REHEARSAL_SECONDS = 30.0  # after which a program that has not started is given up
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

Address = tuple[str, int]


class Succession(msgspec.Struct):
    """What a new program inherits, or what a rehearsal tries."""

    pid: int
    server: Address
    inspector: Address
    rehearsal: bool = False
    """True if the program should only find out whether it could start."""
    public: int = -1
    private: int = -1
    lock: int = -1
    journal: str = ""
    """The journal's id in hexadecimal."""
    folder: str = ""
    """The data folder."""
    metrics: str = ""
    reloads: int = 0
    children: list[Inherited] = []

    @property
    def descriptors(self) -> list[int]:
        """All descriptors that the new program needs."""
        return [
            self.public,
            self.private,
            self.lock,
            *(fd for child in self.children for fd in child.descriptors),
        ]


def claim() -> Succession | None:
    """Return what this program inherits, if it has replaced a supervisor or is rehearsing that."""
    text = os.environ.pop(_VARIABLE, "")
    try:
        found = msgspec.json.decode(text, type=Succession)
    except msgspec.DecodeError:
        return None
    if found.pid != (os.getppid() if found.rehearsal else os.getpid()):
        return None
    for descriptor in () if found.rehearsal else found.descriptors:
        os.set_inheritable(descriptor, False)
    return found


def replace(succession: Succession) -> None:
    """Replace this program with the one that is installed now. Raises OSError; then nothing has changed."""
    for descriptor in succession.descriptors:
        os.set_inheritable(descriptor, True)
    # A signal must not end the new program before it has its handlers; they stay blocked until then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        os.execve(sys.executable, _command(), _environment(succession))  # noqa: S606  # its own program
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for descriptor in succession.descriptors:
            os.set_inheritable(descriptor, False)


class Rehearsal:
    """A trial of the current program and configuration in a separate process."""

    def __init__(self, server: Address, inspector: Address) -> None:
        trial = Succession(os.getpid(), server, inspector, rehearsal=True)
        self._process = subprocess.Popen(  # noqa: S603  # its own command
            _command(),
            executable=sys.executable,
            env=_environment(trial),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self.deadline = time.monotonic() + _REHEARSAL_SECONDS
        assert self._process.stderr
        self.output = self._process.stderr
        """Ready to read once the process has printed something or ended."""
        self._said = b""

    def mistakes(self) -> list[str] | None:
        """Return what is wrong, one line each, once `output` is ready and the trial has ended; else None."""
        overdue = time.monotonic() > self.deadline
        if overdue:
            self._process.kill()
        else:
            said = os.read(self.output.fileno(), 65536)
            self._said += said
            if said:
                return None
        self.output.close()
        if self._process.wait() == 0:
            return []
        lines = self._said.decode(errors="replace").strip().splitlines()
        if overdue:
            return [f"the new program has not started within {_REHEARSAL_SECONDS:.0f} s", *lines[-1:]]
        # The program's own errors are one line each; in a traceback, the last line says what it is.
        own = [line.removeprefix("gateway: ") for line in lines if line.startswith("gateway: ")]
        return own or lines[-1:] or ["the new program does not start"]


def code(files: Iterable[str] | None = None) -> dict[str, tuple[int, int]]:
    """Return size and time of change of the given files, or of the files of all loaded modules."""
    if files is None:
        files = {
            str(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)
        }
    found = {}
    for file in files:
        try:
            status = Path(file).stat()
        except OSError:
            found[file] = (-1, -1)
        else:
            found[file] = (status.st_size, status.st_mtime_ns)
    return found


def _command() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]


def _environment(succession: Succession) -> dict[str, str]:
    return {**os.environ, _VARIABLE: msgspec.json.encode(succession).decode()}
