"""Metrics computed from the journal and the state: outcomes, backlog and lag by sink, across restarts."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.errors import StateUnavailable
from gateway.journal.base import Log, Position, Reader
from gateway.state.store import State


class Ledger(Collector):
    """
    Collects the metrics at each scrape.

    Raises OSError if the journal cannot be read. Without a state, the metrics of sinks are omitted.
    """

    def __init__(self, journal: Log, state: Path, sinks: Collection[str]) -> None:
        self.journal = journal
        self.state = state
        self.sinks = sinks

    def collect(self) -> Iterator[Metric]:
        appended = CounterMetricFamily(
            "gateway_journal_events", "Events appended since the journal was created"
        )
        size = GaugeMetricFamily("gateway_journal_bytes", "Size of the journal on disk in bytes")
        outcomes = CounterMetricFamily(
            "gateway_sink_events", "Events by sink, outcome and reason", labels=["sink", "outcome", "reason"]
        )
        pending = GaugeMetricFamily(
            "gateway_sink_pending_events", "Events not yet delivered", labels=["sink"]
        )
        lag = GaugeMetricFamily(
            "gateway_sink_lag_seconds",
            "Age of the oldest event not yet delivered",
            labels=["sink"],
        )
        readers = {each: self.journal.reader(each) for each in self.journal.partitions()}
        appended.add_metric([], sum(reader.newest() for reader in readers.values()))
        size.add_metric([], self.journal.size())
        try:
            state = State.open_read_only(self.state)
            positions, tallies = state.positions(), state.tallies()
            state.close()
        except StateUnavailable:  # delivery has not started
            pass
        else:
            now = time.time()
            for sink in self.sinks:
                for (outcome, reason), events in tallies.get(sink, {}).items():
                    outcomes.add_metric([sink, outcome, reason], events)
                total, since = 0, now
                for partition, reader in readers.items():
                    count, oldest = _backlog(reader, positions.get((sink, partition), Position(0)), now)
                    total += count
                    since = min(since, oldest)
                pending.add_metric([sink], total)
                lag.add_metric([sink], now - since)
        for reader in readers.values():
            reader.close()
        yield from (appended, size, outcomes, pending, lag)


def _backlog(reader: Reader, position: Position, now: float) -> tuple[int, float]:
    """Return the number of events after a position, and the commit time of the first (seconds since 1970)."""
    if not reader.accepts(position):
        position = Position(reader.oldest())
    count = reader.newest() - position.number
    if count <= 0:
        return 0, now
    found = reader.read(position, limit=1)
    return count, found.chunks[0].received_at / 1000 if found and found.chunks else now
