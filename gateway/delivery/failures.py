"""Failures of delivery: whether they are the sink's, and how they are logged."""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.typing import FilteringBoundLogger

from gateway.errors import LeaseLost, SinkMisconfigured, SinkUnavailable, StateUnavailable


@contextmanager
def of_sink() -> Iterator[None]:
    """Raise SinkUnavailable for an OSError: one from the journal or the state has other consequences."""
    try:
        yield
    except OSError as error:
        raise SinkUnavailable(f"{type(error).__name__}: {error}") from error


def tell(log: FilteringBoundLogger, error: Exception) -> None:
    """Log what made an attempt fail."""
    if isinstance(error, SinkMisconfigured):
        log.error("sink misconfigured", error=str(error), answer=error.answer)
    elif isinstance(error, SinkUnavailable):
        log.warning("sink unavailable", error=str(error))
    elif isinstance(error, LeaseLost):
        log.info("partition now delivered by another process", reason=str(error))
    elif isinstance(error, StateUnavailable | OSError):
        log.error("journal or state unavailable", error=str(error))
    else:
        log.error("delivery failed, retrying", exc_info=error)
