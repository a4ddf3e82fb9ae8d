"""Logs: for people on a terminal, one JSON object a line elsewhere; always on standard error."""

import logging
import sys

import structlog


def configure() -> None:
    """For this process, from now on."""
    person = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        # Other formatters show the values of variables, among them write keys.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if person
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if person else [structlog.processors.format_exc_info]),
            renderer,
        ],
        # One write a line: all processes share standard error, which containers leave unbuffered.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # uvicorn tells of every malformed request; they are answered, and that is enough.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
