"""The search for duplicates, which one delivery process does for all sinks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import structlog
from anyio import to_thread

from gateway import backoff
from gateway.delivery.duplicates.indexer import Indexer
from gateway.delivery.held import Held
from gateway.delivery.lookout import Lookout
from gateway.errors import StateLost, StateUnavailable
from gateway.journal.base import Log
from gateway.state.verdicts import Verdicts

log = structlog.get_logger()


class Indexing:
    """Makes verdicts as events arrive. Bound to one event loop; indexes in another thread."""

    def __init__(
        self, journal: Log, verdicts: Verdicts, folder: Path, lookout: Lookout, held: Held | None = None
    ) -> None:
        self._journal = journal
        self._verdicts = verdicts
        self._folder = folder
        self._lookout = lookout
        self._held = held
        self._lock = anyio.Lock()
        self._window = 0.0
        self._indexer: Indexer | None = None
        self._failure = ""

    async def use(self, window: float) -> None:
        """From now on, look for duplicates within `window` seconds; 0 stops the search."""
        async with self._lock:
            if window != self._window:
                await self._close()
                self._window = window
        self._lookout.wake()

    async def run(self) -> None:
        """Index new events forever; after a failure, wait and retry. Raises StateLost."""
        waits = backoff.delays()
        while True:
            seen = self._lookout.seen
            if await self.catch_up():
                waits = backoff.delays()
                await self._lookout.news(seen)
            else:
                await anyio.sleep(next(waits))

    async def catch_up(self) -> bool:
        """Index all events there are; after a failure, log it and return False. Raises StateLost."""
        while found := await self._step():
            self._lookout.wake()
        return found is not None

    async def _step(self) -> bool | None:
        """Index some events; return whether there may be more, or None after a failure, which is logged."""
        async with self._lock:
            if not self._window:
                return False
            try:
                if self._indexer is None:
                    self._indexer = Indexer(
                        self._journal, self._verdicts, self._folder, self._window, self._held
                    )
                more = await to_thread.run_sync(self._indexer.step)
            except StateLost:
                raise
            except (StateUnavailable, OSError) as error:
                if str(error) != self._failure:
                    log.error("duplicates not indexed, delivery waits", error=str(error))
                self._failure = str(error)
                return None
            if self._failure:
                log.info("duplicates indexed again")
            self._failure = ""
            return more

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Index nothing during the block."""
        async with self._lock:
            yield

    async def close(self) -> None:
        """Close the index."""
        async with self._lock:
            await self._close()

    async def _close(self) -> None:
        if self._indexer:
            await to_thread.run_sync(self._indexer.close)
            self._indexer = None
