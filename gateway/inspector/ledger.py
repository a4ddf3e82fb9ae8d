"""What became of all events, sink by sink, as the journal and the state say: it holds across crashes."""

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
    """Reads everything anew at each scrape."""

    def __init__(self, journal: Log, state: Path, sinks: Collection[str]) -> None:
        self.journal = journal
        self.state = state
        self.sinks = sinks

    def collect(self) -> Iterator[Metric]:
        appended = CounterMetricFamily(
            "gateway_journal_events", "Events appended to the journal since it was made, across restarts"
        )
        size = GaugeMetricFamily("gateway_journal_bytes", "Bytes that the journal takes on its disk")
        outcomes = CounterMetricFamily(
            "gateway_sink_events", "What became of the journal's events", labels=["sink", "outcome", "reason"]
        )
        pending = GaugeMetricFamily(
            "gateway_sink_pending_events", "Events not yet dealt with by a sink", labels=["sink"]
        )
        lag = GaugeMetricFamily(
            "gateway_sink_lag_seconds",
            "Age of the oldest event that a sink has not dealt with",
            labels=["sink"],
        )
        readers = {each: self.journal.reader(each) for each in self.journal.partitions()}
        appended.add_metric([], sum(reader.newest() for reader in readers.values()))
        size.add_metric([], self.journal.size())
        try:
            state = State.open_read_only(self.state)
            at, tallies = state.positions(), state.tallies()
            state.close()
        except StateUnavailable:  # delivery has not begun
            pass
        else:
            now = time.time()
            for sink in self.sinks:
                for (outcome, reason), events in tallies.get(sink, {}).items():
                    outcomes.add_metric([sink, outcome, reason], events)
                left, since = 0, now
                for partition, reader in readers.items():
                    behind, oldest = _backlog(reader, at.get((sink, partition), Position(0)), now)
                    left += behind
                    since = min(since, oldest)
                pending.add_metric([sink], left)
                lag.add_metric([sink], now - since)
        for reader in readers.values():
            reader.close()
        yield from (appended, size, outcomes, pending, lag)


def _backlog(reader: Reader, position: Position, now: float) -> tuple[int, float]:
    """How many events follow a position, and since when the first of them waits."""
    if not reader.accepts(position):
        position = Position(reader.oldest())
    behind = reader.newest() - position.number
    if behind <= 0:
        return 0, now
    piece = reader.read(position, limit=1)
    return behind, piece.chunks[0].received_at / 1000 if piece and piece.chunks else now
