"""Resources that a gateway needs before it starts: addresses, descriptors, a folder for metrics."""

import errno
import os
import resource
import shutil
import socket
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import ConfigError

_PATIENCE = 2.0
"""Seconds for which the children of a gateway that was killed may still hold its addresses."""

Result = TypeVar("Result")


def listen(host: str, port: int, table: str) -> socket.socket:
    """Return a listening socket, which all workers share. Raises ConfigError if it cannot be bound."""
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
    """Retry for _PATIENCE while a predecessor that was killed may still hold the address."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return attempt()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EAGAIN) or time.monotonic() > end:
                raise
        time.sleep(0.05)


@contextmanager
def metrics_folder(journal: Path) -> Iterator[None]:
    """
    Make an empty folder for the metrics of all processes, and name it by $PROMETHEUS_MULTIPROC_DIR.

    It lies in memory where possible: a write to a mapped file on a full disk kills the process.
    """
    name = f"gateway-metrics-{os.getuid()}-{zlib.crc32(os.fsencode(journal)):08x}"
    memory = "/dev/shm"  # noqa: S108  # the folder is made for this user alone
    folder = Path(memory if os.access(memory, os.W_OK) else tempfile.gettempdir()) / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except OSError:  # another user's
        folder = Path(tempfile.mkdtemp(prefix=name))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def allow_many_connections() -> None:
    """Raise the limit of open files to the hard limit: idle connections soon use up the default of 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
