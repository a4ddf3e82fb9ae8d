"""Open a sink as delivery does, to see if it works, without disturbing a gateway that has it open."""

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import structlog

from gateway.errors import GatewayError
from gateway.home import Home
from gateway.inspector.queries.errors import Overloaded
from gateway.sinks.base import Sink

_TIMEOUT_SECONDS = 10.0
_one_at_a_time = threading.Lock()
"""Needed since the configuration of logs is shared by the whole process."""


def try_to_connect(name: str, sink: Sink, journal: Path, seconds: float = _TIMEOUT_SECONDS) -> str:
    """
    Return "ok", or "in use by the running gateway"; `journal` is the data folder of that gateway.

    Raises SinkFailed, after `seconds` at the latest, and Overloaded, at once, while another sink is tried:
    waiting callers would occupy threads that others need.
    """
    if _is_locked(Home(journal).lock) and any(map(_is_locked, sink.files)):
        return "in use by the running gateway"
    if not _one_at_a_time.acquire(blocking=False):
        raise Overloaded("Another sink is being tested. Try again in some seconds.")
    try:
        with _silent_logs():
            anyio.run(_connect, name, sink, seconds)
    finally:
        _one_at_a_time.release()
    return "ok"


class SinkFailed(GatewayError):
    """The sink cannot be opened; the text says why."""


async def _connect(name: str, sink: Sink, seconds: float) -> None:
    try:
        with anyio.fail_after(seconds):
            async with sink.connect(name, b""):
                await sink.reach()
    except GatewayError as error:
        raise SinkFailed(str(error)) from error
    except TimeoutError as error:
        raise SinkFailed(str(error) or f"no answer within {seconds:g} s") from error
    except Exception as error:  # from a driver; the other sinks must be tried too
        raise SinkFailed(f"{type(error).__name__}: {error}") from error


def _is_locked(path: Path) -> bool:
    """Return True if another process has locked a file; False if there is no file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def _silent_logs() -> Iterator[None]:
    """Log nothing: without the recorded receipt a sink would warn about everything that it holds."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
