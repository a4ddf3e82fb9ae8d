"""
The engines of the journal, as the contract tests use them.

Each test receives an `Engine`: an empty journal of its own.
"""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from gateway.journal.base import Appender, Log, Position, Reader
from gateway.journal.chunk import Chunk
from gateway.journal.segments.log import SegmentLog
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from gateway.journal.writer import Writer
from tests.build import JOURNAL, open_log
from tests.journal.breaking import crashed
from tests.journal.jetstream_engine import OnJetStream
from tests.journal.kafka_topic import OnKafka

START = Position(0)


class Engine(Protocol):
    """A journal of one engine."""

    @property
    def largest_event(self) -> int:
        """The most bytes of an event that the engine stores."""

    @property
    def log(self) -> Log: ...

    def appender(self, partition: str) -> Appender:
        """Open an appender of a partition on the running event loop."""

    def crashed(self) -> "Engine":
        """Return the journal as it would be if all its processes were killed now."""

    def close(self) -> None:
        """Release what the journal holds."""


class Segments:
    """The embedded engine, with files of at least `largest` bytes."""

    largest_event = 10_000_000

    def __init__(self, folder: Path, largest: int) -> None:
        self._folder = folder
        self._largest = largest
        self._crashes = 0
        self.log: SegmentLog = open_log(folder / "journal")

    def appender(self, partition: str) -> Writer:
        quota = Quota(self.log.folder, 2**40)
        folder = self.log.folder / partition
        return Writer(Partition(folder, JOURNAL, self.log.quarantine, quota, self._largest, math.inf))

    def crashed(self) -> "Segments":
        self._crashes += 1
        copy = self._folder / f"crash-{self._crashes}"
        for partition in self.log.partitions():
            crashed(self.log.folder / partition, copy / "journal")
        return Segments(copy, self._largest)

    def close(self) -> None:
        """Leave the files to pytest."""


ENGINES: dict[str, Callable[[Path], Engine]] = {
    "segments": lambda folder: Segments(folder, 2**20),
    "segments of one chunk": lambda folder: Segments(folder, 1),
    "jetstream": lambda _: OnJetStream(),
    "kafka": OnKafka,
}
"""Functions that create a journal in a folder, by the name of their engine."""


@asynccontextmanager
async def appending(engine: Engine, partition: str = "0") -> AsyncIterator[Appender]:
    """Open an appender of a partition for the duration of the block."""
    appender = engine.appender(partition)
    try:
        yield appender
    finally:
        await appender.close()


async def put(appender: Appender, *chunks: Sequence[bytes]) -> None:
    """Append each chunk in a commit of its own."""
    for lines in chunks:
        await appender.append(lines)


def chunks_of(reader: Reader) -> list[Chunk]:
    """Return all chunks of a partition."""
    found: list[Chunk] = []
    position = START
    while part := reader.read(position):
        found += part.chunks
        position = part.end
    return found
