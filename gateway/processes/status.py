"""The status of a running gateway, which its supervisor writes into LOCK, and requests to reload."""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway.errors import ConfigError
from gateway.home import Home

_MAX_BYTES = 65536
_ASKING_SECONDS = 0.1  # between two looks for the outcome of a reload


class Status(msgspec.Struct):
    """The supervisor's process, and the outcome of reloads."""

    pid: int
    reloads: int = 0
    """Number of finished reloads, including those that failed."""
    mistakes: list[str] = []
    """Lines that say why the last reload failed; empty if it did not."""


def write(home: Home, status: Status) -> None:
    """Write the status into LOCK, which this process has locked. A full disk costs only the status."""
    if home.locked is not None:
        with suppress(OSError):
            size = os.fstat(home.locked).st_size  # truncating the rest would be a second step
            os.pwrite(home.locked, msgspec.json.encode(status).ljust(size), 0)


def read(home: Home) -> Status | None:
    """Return the status of the gateway running in the data folder, or None. Raises ConfigError."""
    try:
        descriptor = os.open(home.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{home.lock}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        status = msgspec.json.decode(os.pread(descriptor, _MAX_BYTES, 0) or b"null", type=Status | None)
        if status and not _has_open(status.pid, descriptor):
            raise ConfigError(
                f"the gateway that uses {home} runs elsewhere, or in another container"
            ) from None
        return status
    finally:
        os.close(descriptor)
    return None


def reload(home: Home, timeout: float) -> None:
    """
    Ask the running gateway to reload, and return once it has; `timeout` is in seconds.

    Raises ConfigError if no gateway runs or it cannot be asked, and with the mistakes if nothing changed.
    """
    before = read(home)
    if before is None:
        raise ConfigError(f"no gateway runs with the data folder {home}")
    try:
        os.kill(before.pid, signal.SIGHUP)
    except PermissionError:
        raise ConfigError(f"this user cannot signal the gateway, process {before.pid}") from None
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        time.sleep(_ASKING_SECONDS)
        with suppress(msgspec.DecodeError):  # it is being written
            status = read(home)
            if status is None or status.pid != before.pid:
                raise ConfigError("the gateway has ended; its log says why")
            if status.reloads != before.reloads:
                if status.mistakes:
                    raise ConfigError(*status.mistakes)
                return
    raise ConfigError(f"not finished after {timeout:.0f} s; the gateway's log says more")


def _has_open(pid: int, descriptor: int) -> bool:
    """Return True if the process has the file open; in another container its id may be another process's."""
    wanted = os.fstat(descriptor)
    try:
        opened = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return True  # another user's process: the signal will tell
    except OSError:
        return False
    for each in opened:
        with suppress(OSError):
            if os.path.samestat(each.stat(), wanted):
                return True
    return False
