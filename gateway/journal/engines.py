"""The engines of the journal: opens what `[journal] engine` names, the embedded log or that of a cluster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config.tables import Journal
from gateway.journal.base import Appender, Log
from gateway.journal.segments.log import SegmentLog
from gateway.journal.writer import Writer

_PREDECESSOR_SECONDS = 15.0  # in which the process that wrote a partition before must have ended


def open_log(journal: Journal) -> Log:
    """Return the log, to be read and to be trimmed. Blocks; connects to servers only when it is used."""
    return _embedded(journal)


def find_identity(journal: Journal) -> bytes | None:
    """
    Return the 16-byte id of the journal that the engine holds, or None if it knows none.

    A cluster's journal is created if it is missing. Raises ConfigError, in one line, if that fails, or if it
    was created with other settings; and OSError.
    """
    return _embedded(journal).identity()


def recover(journal: Journal, identity: bytes) -> None:
    """Make the log ready to be read after a crash. Raises ConfigError."""
    _embedded(journal, identity).recover()


@asynccontextmanager
async def appending(journal: Journal, identity: bytes, slot: int, workers: int) -> AsyncIterator[Appender]:
    """
    Lend the appender of the intake worker `slot`, of `workers`; it must be closed within the block.

    Raises BlockingIOError if another process does not let go of
    what only one may have, and OSError.
    """
    log = _embedded(journal, identity)
    with log.writing(str(slot), journal.keep, _PREDECESSOR_SECONDS) as partition:
        if slot == 0:
            _retire_others(log, journal.keep, workers)
        yield Writer(partition)


def _embedded(journal: Journal, identity: bytes = bytes(16)) -> SegmentLog:
    return SegmentLog(journal.path, journal.max_size, identity)


def _retire_others(log: SegmentLog, keep: float, workers: int) -> None:
    """End the partitions of workers that there no longer are, so that their files can be deleted."""
    for name in log.partitions():
        if int(name) >= workers:
            with log.writing(name, keep, _PREDECESSOR_SECONDS) as partition:
                partition.retire()
