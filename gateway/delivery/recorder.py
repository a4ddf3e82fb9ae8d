"""
The recorder of a delivery process: once a second, it writes what its observers found, in a thread.

It never delays delivery; what it cannot write is lost.
"""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import apsw
import msgspec
import structlog
from anyio import to_thread

from gateway.delivery.observer import Observations, Observer
from gateway.diagnostics import minutes
from gateway.diagnostics.exchanges import Exchange
from gateway.diagnostics.minutes import Minute
from gateway.diagnostics.shapes import (
    BATCHES,
    BATCHES_MS,
    DELIVERIES,
    DELIVERIES_MS,
    EXCHANGES,
    EXCHANGES_MS,
    EXCHANGES_OF_SINK,
)
from gateway.diagnostics.store import Store

log = structlog.get_logger()

SECONDS = 1.0
"""Seconds between two writes."""

SPANS = (1, 60)
"""Minutes that are added up: reading a month of single minutes would take seconds."""

_MAX_DEAD = 5000  # in one transaction
_ADD_MINUTE = """
    INSERT INTO minutes (expires_at, sink, minutes, minute, found) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (sink, minutes, minute) DO UPDATE SET found = excluded.found
"""
_ADD_BATCH = """
    INSERT INTO batches (expires_at, sink, at, partition, first, last, batch) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ADD_EXCHANGE = """
    INSERT INTO exchanges (expires_at, at, sink, partition, first, last, status, dead, found)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)
"""
_TRIM = """
    DELETE FROM exchanges WHERE sink = ? AND dead = 0 AND id <=
        (SELECT id FROM exchanges WHERE sink = ? AND dead = 0 ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
_ADD_UNKEPT = """
    INSERT INTO unkept VALUES (?, ?) ON CONFLICT DO UPDATE SET exchanges = exchanges + excluded.exchanges
"""
_MARK_DEAD = """
    UPDATE exchanges SET dead = 1 WHERE id = (SELECT max(id) FROM exchanges
        WHERE sink = ? AND partition = ? AND last > ? AND first <= ?)
"""


class DeliveryRecorder:
    """Has an observer for each sink of the process. `clock` returns seconds since 1970."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._observers: dict[str, Observer] = {}
        self._deliveries = Store(folder, DELIVERIES)
        self._batches = Store(folder, BATCHES)
        self._exchanges = Store(folder, EXCHANGES)

    def observer(self, sink: str) -> Observer:
        """Return the observer of a sink, by its name: the same one every time."""
        return self._observers.setdefault(sink, Observer(self._clock))

    async def run(self) -> None:
        """Write once a second, until cancelled."""
        while True:
            await anyio.sleep(SECONDS)
            if found := self._collect():
                await to_thread.run_sync(self._write, found)

    def write(self) -> None:
        """Write what was observed, in this thread."""
        if found := self._collect():
            self._write(found)

    def close(self) -> None:
        """Write what is left, and close the databases."""
        self.write()
        self._deliveries.close()
        self._batches.close()
        self._exchanges.close()

    def _collect(self) -> dict[str, Observations]:
        found = {sink: observer.collect() for sink, observer in self._observers.items()}
        return {sink: each for sink, each in found.items() if each.minutes or each.exchanges or each.dead}

    def _write(self, found: dict[str, Observations]) -> None:
        now = int(self._clock() * 1000)
        try:
            by_minute = [
                (sink, minute, counted)
                for sink, each in found.items()
                for minute, counted in each.minutes.items()
            ]
            self._deliveries.write(lambda database: store_minutes(database, by_minute, now), now)
            batches = [
                (now + BATCHES_MS, sink, *written)
                for sink, each in found.items()
                for written in (*each.batches, *each.retried)
            ]
            if batches:
                self._batches.write(lambda database: database.executemany(_ADD_BATCH, batches), now)
            exchanges = {sink: each for sink, each in found.items() if each.exchanges or each.dead}
            if exchanges:
                self._exchanges.write(lambda database: _store_exchanges(database, exchanges, now), now)
        except Exception as bug:  # it must not cost a delivery
            log.error("diagnostics not written", exc_info=bug)


def store_minutes(database: apsw.Connection, found: list[tuple[str, int, Minute]], now: int) -> None:
    """Add minutes, each with its sink, to the stored minutes and hours. Raises apsw.Error."""
    for sink, minute, counted in found:
        for span in SPANS:
            start = minute // span * span
            known: Any = database.execute(
                "SELECT found FROM minutes WHERE sink = ? AND minutes = ? AND minute = ?",
                (sink, span, start),
            ).get
            total = minutes.decode(known) if known else Minute()
            total.merge(counted)
            database.execute(_ADD_MINUTE, (now + DELIVERIES_MS, sink, span, start, minutes.encode(total)))


def _store_exchanges(database: apsw.Connection, found: dict[str, Observations], now: int) -> None:
    for sink, each in found.items():
        kept = sorted((*each.failures, *each.successes), key=lambda exchange: exchange.at)
        database.executemany(_ADD_EXCHANGE, [_row(sink, exchange, now) for exchange in kept])
        for partition, position in islice(each.dead, _MAX_DEAD):
            database.execute(_MARK_DEAD, (sink, partition, position, position))
        database.execute(_TRIM, (sink, sink, EXCHANGES_OF_SINK))
        if each.exchanges > len(kept):
            database.execute(_ADD_UNKEPT, (sink, each.exchanges - len(kept)))


def _row(sink: str, exchange: Exchange, now: int) -> tuple[Any, ...]:
    return (
        *(now + EXCHANGES_MS, exchange.at, sink, exchange.partition, exchange.first, exchange.end),
        *(exchange.status, msgspec.json.encode(exchange)),
    )
