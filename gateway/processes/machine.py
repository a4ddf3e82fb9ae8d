"""Resources of the machine that a gateway needs: addresses, descriptors, signals, a folder for metrics."""

import errno
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import stat
import tempfile
import time
import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog

from gateway import metrics
from gateway.errors import ConfigError

log = structlog.get_logger()

_METRICS = "PROMETHEUS_MULTIPROC_DIR"

_PATIENCE = 2.0
"""How many seconds the children of a killed gateway may still hold its addresses."""

Result = TypeVar("Result")


def listen(host: str, port: int, table: str) -> socket.socket:
    """Return a listening socket that all workers share. Raises ConfigError if it cannot be bound."""
    try:
        [(family, *_, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return _patiently(lambda: _bind(family, address))
    except OSError as error:
        option = "--port" if table == "server" else "--inspector-port"
        raise ConfigError(
            f"[{table}] cannot listen on {host}:{port}: {error.strerror}; choose another, as with {option}"
        ) from error
    except UnicodeError as error:  # not a host name
        raise ConfigError(f"[{table}] cannot listen on {host}:{port}: {error}") from error


def _bind(family: int, address: Any) -> socket.socket:
    # asyncio sets TCP_NODELAY only if the protocol is given.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _patiently(attempt: Callable[[], Result]) -> Result:
    """Retry for _PATIENCE, while a killed predecessor may still hold the address."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return attempt()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EAGAIN) or time.monotonic() > end:
                raise
        time.sleep(0.05)


@contextmanager
def signals(*wanted: signal.Signals) -> Iterator[socket.socket]:
    """Yield a socket on which the numbers of these signals arrive, even if they were blocked before."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in wanted}
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)  # a full one also wakes
    signal.pthread_sigmask(signal.SIG_UNBLOCK, wanted)
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


class MetricsFolder:
    """
    The folder for the metrics of all processes, which $PROMETHEUS_MULTIPROC_DIR names to children.

    It is in memory if possible: a write to a mapped file on a full disk kills the process. It is empty at
    first, unless it is `inherited`. As a context manager, it also gets the incidents that this process has
    counted so far, and is removed at the end.
    """

    def __init__(self, journal: Path, inherited: str = "") -> None:
        name = f"gateway-metrics-{os.getuid()}-{zlib.crc32(os.fsencode(journal)):08x}"
        memory = "/dev/shm"  # noqa: S108  # the folder is made for this user alone
        self.path = Path(
            inherited or f"{memory if os.access(memory, os.W_OK) else tempfile.gettempdir()}/{name}"
        )
        if not inherited:
            shutil.rmtree(self.path, ignore_errors=True)
        self.ensure()

    def ensure(self) -> None:
        """
        Create the folder if it is missing, elsewhere if that fails; call it before a process is started.

        Without a folder, processes keep no metrics, but work all the same.
        """
        if not self._is_usable():
            try:
                try:
                    self.path.mkdir(mode=0o700)
                except OSError:  # it belongs to another user, or is a file
                    self.path = Path(tempfile.mkdtemp(prefix="gateway-metrics-"))
            except OSError as error:
                if os.environ.pop(_METRICS, None):
                    log.error("no folder for metrics, processes do not count", error=str(error))
                return
        os.environ[_METRICS] = str(self.path)

    def __enter__(self) -> Self:
        if metrics.incidents():
            # In a process of its own, since a full disk ends the one that counts.
            fork = multiprocessing.get_context("fork").Process
            counting = fork(target=metrics.begin_with_incidents, name="supervisor")
            try:
                counting.start()
                counting.join()
                if counting.exitcode:
                    log.error("journal incidents not counted", status=counting.exitcode)
            except OSError as error:
                log.error("journal incidents not counted", error=str(error))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _is_usable(self) -> bool:
        try:
            found = self.path.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and os.access(self.path, os.W_OK)


def allow_many_connections() -> None:
    """Raise the limit of open files to the hard limit: idle connections soon exhaust the default of 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def reap(known: Container[int | None]) -> None:
    """
    Collect processes that have ended and are not `known` children.

    They are helpers of a predecessor and, if the gateway is a container's first process, orphans.
    """
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid:
            if ended.si_pid in known:
                return
            os.waitpid(ended.si_pid, 0)
