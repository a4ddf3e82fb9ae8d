"""Detection of new events, once for all sinks of a process."""

from collections.abc import Callable, Collection

import anyio

from gateway.errors import StateUnavailable
from gateway.journal.base import Log, Reader

_LOOKS = 50
"""Workers are woken at least once in this many looks, in case a change was missed."""


class Lookout:
    """Watches the newest event of each partition, and wakes the workers. Bound to one event loop."""

    def __init__(
        self,
        log: Log,
        verdicts: Callable[[], object] = lambda: None,
        partitions: Callable[[], Collection[str]] | None = None,
    ) -> None:
        """
        `verdicts` returns an object that changes whenever sinks may get more events.

        `partitions` returns those whose events matter now; by default all.
        """
        self.seen = 0
        """A counter that increases whenever workers should look for events."""
        self._log = log
        self._look_for_verdicts = verdicts
        self._partitions = partitions or log.partitions
        self._verdicts: object = None
        self._readers: dict[str, Reader] = {}
        self._found: object = {}, None
        self._changed = anyio.Event()
        self._quiet_looks = 0

    def look(self) -> None:
        """Look for new events, and wake the workers if there are any. Call it several times a second."""
        self.compare(self.find())

    def find(self) -> object:
        """Return what there is now. Blocks on the journal and the state; may be called in a thread."""
        newest = {}
        for partition in self._partitions():
            reader = self._readers.get(partition)
            if reader is None:
                reader = self._readers[partition] = self._log.reader(partition)
            try:
                newest[partition] = reader.newest()
            except OSError:
                newest[partition] = -1  # the workers' reads report the error
        try:
            self._verdicts = self._look_for_verdicts()
        except StateUnavailable:  # the workers log it
            pass
        return newest, self._verdicts

    def compare(self, found: object) -> None:
        """Wake the workers if `found` differs from the last time."""
        if found != self._found:
            self._found, self._quiet_looks = found, 0
            self.wake()
        else:
            self._quiet_looks += 1
            if self._quiet_looks % _LOOKS == 0:
                self.wake()

    @property
    def is_idle(self) -> bool:
        """Return whether nothing new has been seen for so long that looking less often will do."""
        return self._quiet_looks >= _LOOKS

    async def news(self, seen: int) -> None:
        """Return once `self.seen` differs from `seen`."""
        while self.seen == seen:
            await self._changed.wait()

    def wake(self) -> None:
        """Wake all workers."""
        self.seen += 1
        self._changed.set()
        self._changed = anyio.Event()
