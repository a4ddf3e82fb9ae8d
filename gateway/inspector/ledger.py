"""Metrics computed from the journal and the state: outcomes, backlog and lag by sink, across restarts."""

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.errors import StateUnavailable
from gateway.journal.base import Log
from gateway.postgresql.place import Place
from gateway.state import report
from gateway.state.store import State


class Ledger(Collector):
    """
    Collects the metrics at each scrape.

    Raises OSError if the journal cannot be read, and StateUnavailable if the state cannot.
    If there is no state file yet, the metrics of sinks are omitted.
    """

    def __init__(self, journal: Log, state: Place, sinks: Collection[str]) -> None:
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
        states = GaugeMetricFamily(
            "gateway_sink_state", "1 for the state that the sink is in", labels=["sink", "state"]
        )
        letters = GaugeMetricFamily(
            "gateway_sink_dead_letters_bytes", "Size of the dead letters of the sink", labels=["sink"]
        )
        with report.readers(self.journal) as readers:
            appended.add_metric([], sum(reader.newest() for reader in readers.values()))
            size.add_metric([], self.journal.size())
            try:
                state = State.open_read_only(self.state)
            except StateUnavailable:
                if not isinstance(self.state, Path) or self.state.exists():
                    raise
                # Delivery has not started.
                yield from (appended, size, outcomes, pending, lag, states, letters)
                return
            with closing(state):
                now = time.time()
                for sink in self.sinks:
                    found = report.report(sink, "", state, readers, now)
                    for (outcome, reason), events in report.total(state, sink).items():
                        outcomes.add_metric([sink, outcome, reason], events)
                    pending.add_metric([sink], found.pending)
                    lag.add_metric([sink], found.lag_seconds or 0.0)
                    states.add_metric([sink, found.state], 1)
                    letters.add_metric([sink], state.dead.size(sink))
        yield from (appended, size, outcomes, pending, lag, states, letters)
