"""
Logs: readable on a terminal, one JSON object per line elsewhere; always on standard error.

Logging never raises and never waits long: a reader that has gone or stopped costs lines, not the service.
"""

import logging
import os
import select
import sys
from collections.abc import Collection
from typing import Any

import structlog

from gateway import masking

_STDERR = 2
_PATIENCE_MILLISECONDS = 100  # for a slow reader; once a line is lost, the next ones do not wait


def configure() -> None:
    """Configure logging for this process, from now on."""
    fill_standard_streams()
    person = os.isatty(_STDERR)
    renderer: structlog.typing.Processor = (
        # Other formatters show the values of variables, including write keys.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if person
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _add_lost_lines,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if person else [structlog.processors.format_exc_info]),
            _hide_values,
            renderer,
        ],
        logger_factory=Output,
        cache_logger_on_first_use=True,
    )
    # uvicorn logs every malformed request; answering them is enough.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def hide(keys: Collection[str]) -> None:
    """Hide the values of these keys in the lines of this process, from now on."""
    global _hidden  # noqa: PLW0603  # like structlog's configuration, it belongs to the process
    _hidden = masking.names(keys)


_hidden: frozenset[str] = frozenset()


def fill_standard_streams() -> None:
    """
    Open /dev/null for each standard stream that was closed when the process started (`2>&-`).

    Otherwise the next file that is opened gets its number, and whatever is printed is written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
            os.set_inheritable(number, True)
    for name, number in (("stdout", 1), ("stderr", _STDERR)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", closefd=False))  # open as long as the process runs


class Output:
    """Standard error, as structlog's loggers use it."""

    lost = 0
    """Lines of this process that were lost since the last one was written."""

    def __init__(self, *_: Any) -> None: ...

    def msg(self, line: str) -> None:
        """Write a line, or drop it."""
        patience = 0 if Output.lost else _PATIENCE_MILLISECONDS
        # One write per line: all processes share standard error.
        written = _write(f"{line}\n".encode(errors="backslashreplace"), patience)
        Output.lost = 0 if written else Output.lost + 1

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _add_lost_lines(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Let the next line that is written say how many were lost before it."""
    if Output.lost:
        event["lost_lines"] = Output.lost
    return event


def _hide_values(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Hide values by their key in the line's fields, and in texts such as targets' answers."""
    if _hidden:
        for key, value in event.items():
            if key.casefold() in _hidden:
                event[key] = masking.MASK
            elif isinstance(value, str):
                event[key] = masking.hide_text(value, _hidden)
    return event


def _write(data: bytes, patience: int) -> bool:
    """Return True if the data were written; wait at most `patience` milliseconds for each PIPE_BUF bytes."""
    poll = select.poll()
    poll.register(_STDERR, select.POLLOUT)
    try:
        while data:
            # A pipe that is ready accepts PIPE_BUF bytes without blocking.
            if not poll.poll(patience):
                return False
            data = data[os.write(_STDERR, data[: select.PIPE_BUF]) :]
    except OSError:  # no reader, no terminal, no space
        return False
    return True
