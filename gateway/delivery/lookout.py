"""Looking for new events, once for all sinks of a process."""

import anyio

from gateway.journal.base import Log, Reader

_LOOKS = 50
"""After so many, everybody looks again, whatever was seen."""


class Lookout:
    """Sees how far each partition has come, and wakes whoever waits for that."""

    def __init__(self, log: Log) -> None:
        self.seen = 0
        """Changes with every new event that was seen."""
        self._log = log
        self._readers: dict[str, Reader] = {}
        self._newest: dict[str, int] = {}
        self._changed = anyio.Event()
        self._looks = 0

    def look(self) -> None:
        """See what is new; to be called several times a second."""
        newest = {}
        for partition in self._log.partitions():
            reader = self._readers.get(partition)
            if reader is None:
                reader = self._readers[partition] = self._log.reader(partition)
            try:
                newest[partition] = reader.newest()
            except OSError:
                newest[partition] = -1  # who reads it finds out what is wrong
        self._looks += 1
        if newest != self._newest or self._looks % _LOOKS == 0:
            self._newest = newest
            self.wake()

    async def news(self, seen: int) -> None:
        """Return when there is something that was not there when `self.seen` was `seen`."""
        while self.seen == seen:
            await self._changed.wait()

    def wake(self) -> None:
        """Let everybody look again."""
        self.seen += 1
        self._changed.set()
        self._changed = anyio.Event()
