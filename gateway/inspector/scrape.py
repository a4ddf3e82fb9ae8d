"""A scrape that finishes in time, whatever the disk does."""

import asyncio

import structlog
from anyio import to_thread
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

log = structlog.get_logger()

COMPLETE = "gateway_scrape_complete"
_COMPLETE = f"""\
# HELP {COMPLETE} 1 if the metrics of journal and state are in this scrape, 0 if these could not be read
# TYPE {COMPLETE} gauge
{COMPLETE} %d
"""


class Scrape:
    """
    The metrics of `live`, which needs no disk, and of `recorded`, which reads journal and state.

    If the latter cannot be read within `patience` seconds, a scrape has only the former. One thread reads at
    a time; scrapes that arrive meanwhile share its result. Must be used on one event loop.
    """

    def __init__(self, live: CollectorRegistry, recorded: Collector, patience: float = 5.0) -> None:
        self._live = live
        self._recorded = CollectorRegistry()
        self._recorded.register(recorded)
        self._patience = patience
        self._reading: asyncio.Task[bytes] | None = None
        self._failure = ""

    async def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        live = await to_thread.run_sync(generate_latest, self._live)
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        reading = self._reading
        await asyncio.wait((reading,), timeout=self._patience)
        if reading.done():
            return live + reading.result()
        return live + self._incomplete(f"not read within {self._patience:g} s")

    async def _read(self) -> bytes:
        try:
            recorded = await to_thread.run_sync(generate_latest, self._recorded, abandon_on_cancel=True)
        except Exception as error:  # trouble with the disk must not cost the other metrics
            return self._incomplete(str(error))
        if self._failure:
            log.info("journal and state readable again")
        self._failure = ""
        return recorded + (_COMPLETE % 1).encode()

    def _incomplete(self, failure: str) -> bytes:
        if failure != self._failure:
            log.error("metrics of journal and state missing", error=failure)
        self._failure = failure
        return (_COMPLETE % 0).encode()
