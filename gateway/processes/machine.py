"""What the gateway needs of its machine before it starts: addresses, a folder, a place to count."""

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
"""Seconds for which the children of a gateway that was killed may still hold what we need."""

Result = TypeVar("Result")


def listen(host: str, port: int, table: str) -> socket.socket:
    """A listening socket, to be shared by all workers; ConfigError if the address cannot be had."""
    try:
        [(family, *_, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return _patiently(lambda: _bind(family, address))
    except OSError as error:
        option = " or --port" if table == "server" else ""
        raise ConfigError(
            f"[{table}] cannot listen on {host}:{port}: {error.strerror}; choose another port{option}"
        ) from error
    except UnicodeError as error:  # no name at all
        raise ConfigError(f"[{table}] cannot listen on {host}:{port}: {error}") from error


def _bind(family: int, address: Any) -> socket.socket:
    # With the protocol spelt out, since asyncio sets TCP_NODELAY only then.
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
    """Try until nothing is in the way, or for as long as a killed predecessor may still be dying."""
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
    An empty folder for all processes to count in, named by $PROMETHEUS_MULTIPROC_DIR.

    It is in memory where there is a place for that: to write to a mapped file on a full disk kills.
    """
    name = f"gateway-metrics-{os.getuid()}-{zlib.crc32(os.fsencode(journal)):08x}"
    memory = "/dev/shm"  # noqa: S108  # the folder in it is ours alone, or another is made
    folder = Path(memory if os.access(memory, os.W_OK) else tempfile.gettempdir()) / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except OSError:  # somebody else's
        folder = Path(tempfile.mkdtemp(prefix=name))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def allow_many_connections() -> None:
    """As many open files as the system lets us have: its usual 1,024 are soon taken by idle connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
