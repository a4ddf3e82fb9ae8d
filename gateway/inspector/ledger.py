"""What became of all events, sink by sink, as the journal and state.db say: it holds across crashes."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

import apsw
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.journal import files
from gateway.journal.positions import Positions
from gateway.journal.reader import Reader


class Ledger(Collector):
    """Reads everything anew at each scrape."""

    def __init__(self, journal: Path, state: Path, sinks: Collection[str]) -> None:
        self.journal = journal
        self.state = state
        self.sinks = sinks

    def collect(self) -> Iterator[Metric]:
        taken = CounterMetricFamily(
            "gateway_journal_events", "Events the journal has ever taken; it knows them across restarts"
        )
        size = GaugeMetricFamily("gateway_journal_bytes", "Bytes that the journal takes on its disk")
        outcomes = CounterMetricFamily(
            "gateway_sink_events", "What became of the journal's events", labels=["sink", "outcome", "reason"]
        )
        pending = GaugeMetricFamily(
            "gateway_sink_pending_events", "Events that a sink is still to get", labels=["sink"]
        )
        lag = GaugeMetricFamily(
            "gateway_sink_lag_seconds", "Age of the oldest event that a sink is still to get", labels=["sink"]
        )
        readers = {shard.name: Reader(shard) for shard in files.shards(self.journal)}
        taken.add_metric([], sum(reader.taken() for reader in readers.values()))
        size.add_metric([], files.total_size(self.journal))
        try:
            positions = Positions.look(self.state)
            at, tallies = positions.positions(), positions.tallies()
            positions.close()
        except apsw.Error:  # delivery has not begun
            pass
        else:
            now = time.time()
            for sink in self.sinks:
                for (outcome, reason), events in tallies.get(sink, {}).items():
                    outcomes.add_metric([sink, outcome, reason], events)
                left, since = 0, now
                for shard, reader in readers.items():
                    position = at.get((sink, shard), 0)
                    behind = reader.pending(position)
                    if behind:
                        left += behind
                        since = min(since, (reader.waiting_since(position) or 0) / 1000 or since)
                pending.add_metric([sink], left)
                lag.add_metric([sink], now - since)
        for reader in readers.values():
            reader.close()
        yield from (taken, size, outcomes, pending, lag)
