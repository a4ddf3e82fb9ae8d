"""
The engines that keep a journal, each as the tests of the contract use it.

What a test is given is an `Engine`: one journal, empty and the test's own.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from gateway.journal.base import Appender, Log
from gateway.journal.segments.log import SegmentLog
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from gateway.journal.writer import Writer
from tests.build import JOURNAL, open_log
from tests.journal.breaking import crashed


class Engine(Protocol):
    """One journal."""

    @property
    def log(self) -> Log: ...

    def appender(self, partition: str) -> Appender:
        """The writer of a partition, on the event loop that runs."""

    def crashed(self) -> "Engine":
        """The journal as it is found after everything that had to do with it was killed just now."""


class Segments:
    """The engine that comes with the gateway, with files of at least `largest` bytes."""

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


ENGINES: dict[str, Callable[[Path], Engine]] = {
    "segments": lambda folder: Segments(folder, 2**20),
    "segments of one chunk": lambda folder: Segments(folder, 1),
}
"""How to begin a journal in a folder, by the name of its engine."""


@asynccontextmanager
async def appending(engine: Engine, partition: str = "0") -> AsyncIterator[Appender]:
    """The writer of a partition, which finishes with the block."""
    appender = engine.appender(partition)
    try:
        yield appender
    finally:
        await appender.close()
