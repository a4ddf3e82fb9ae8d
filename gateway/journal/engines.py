"""The engines of the journal: opens the one that `[journal] engine` names, embedded or a cluster's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config.tables import Journal
from gateway.errors import ConfigError
from gateway.journal.base import Appender, Log
from gateway.journal.segments.log import SegmentLog
from gateway.journal.writer import Writer

_PREDECESSOR_SECONDS = 15.0  # within which the partition's previous writer must have ended


def open_log(journal: Journal) -> Log:
    """Return the log for reading and trimming. It connects to servers when first used."""
    if journal.engine == "jetstream":
        from gateway.journal.jetstream.log import JetStreamLog

        return JetStreamLog(journal)
    if journal.engine == "kafka":
        from gateway.journal.kafka import topic

        return topic.open_log(journal)
    return _embedded(journal)


def find_identity(journal: Journal) -> bytes | None:
    """
    Return the 16-byte id of the journal that the engine holds, or None if it holds none.

    A cluster's journal is created if it is missing. Raises ConfigError, in one line, if that fails, or if it
    was created with other settings; and OSError.
    """
    if journal.engine == "jetstream":
        from gateway.journal.jetstream import start

        return start.prepare(journal)
    if journal.engine == "kafka":
        from gateway.journal.kafka import topic

        return topic.prepare(journal)
    return _embedded(journal).identity()


def recover(journal: Journal, identity: bytes) -> None:
    """
    Make the log ready to be read after a crash.

    Raises ConfigError, also if a cluster's log has an id other than `identity`, or promises less than the
    configuration requires.
    """
    if journal.engine == "embedded":
        _embedded(journal, identity).recover()
    elif find_identity(journal) != identity:
        raise ConfigError(
            f"[journal] path: {journal.path} belongs to another journal than {journal.name} at"
            f" {', '.join(journal.servers)}: choose another folder"
        )


@asynccontextmanager
async def appending(journal: Journal, identity: bytes, slot: int, workers: int) -> AsyncIterator[Appender]:
    """
    Lend the appender of the intake worker `slot`, of `workers`; it must be closed within the block.

    Raises BlockingIOError if another process does not release the slot's partition, and OSError.
    """
    if journal.engine == "jetstream":
        from gateway.journal.jetstream.appender import appending as on_jetstream

        async with on_jetstream(journal) as appender:
            yield appender
        return
    if journal.engine == "kafka":
        from gateway.journal.kafka.appender import appending as on_kafka

        async with on_kafka(journal, identity) as appender:
            yield appender
        return
    log = _embedded(journal, identity)
    with log.writing(str(slot), journal.keep, _PREDECESSOR_SECONDS) as partition:
        if slot == 0:
            _retire_others(log, journal.keep, workers)
        yield Writer(partition)


def _embedded(journal: Journal, identity: bytes = bytes(16)) -> SegmentLog:
    return SegmentLog(journal.path, journal.max_size, identity)


def _retire_others(log: SegmentLog, keep: float, workers: int) -> None:
    """End the partitions of workers that no longer exist, so that their files can be deleted."""
    for name in log.partitions():
        if int(name) >= workers:
            with log.writing(name, keep, _PREDECESSOR_SECONDS) as partition:
                partition.retire()
