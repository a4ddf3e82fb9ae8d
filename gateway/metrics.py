"""
The metrics of all processes, exported at /metrics on the inspector.

Each process counts in its own file in $PROMETHEUS_MULTIPROC_DIR. The file is named after the process
("intake-0", "delivery-0") and not after its process id, so that counters continue after a restart.

Observations of every request or commit are buffered in memory and flushed once a second, because a direct
observation costs 1 to 2 µs. A process that is killed loses the observations of its last second.
"""

import os
from bisect import bisect_right
from functools import cache
from multiprocessing import current_process
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, values

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    # The library's hook for names other than process ids.
    values.ValueClass = values.MultiProcessValue(lambda: current_process().name)  # type: ignore[no-untyped-call]

_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EVENTS_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


class Buffered:
    """A histogram or counter whose observations are buffered until `flush`. Not thread-safe."""

    def __init__(self, metric: Histogram | Counter, buckets: tuple[float, ...] = ()) -> None:
        self.waiting: list[float] = []
        self.add = self.waiting.append
        self._metric: Any = metric
        self._buckets = buckets
        _buffered.append(self)

    def flush(self) -> None:
        observed = self.waiting[:]
        del self.waiting[: len(observed)]
        if not observed:
            return
        if isinstance(self._metric, Counter):
            return self._metric.inc(sum(observed))
        # prometheus-client has no public way to observe many values at once.
        observed.sort()  # faster than a bucket search for each value, which would delay requests
        ends = [*(bisect_right(observed, bound) for bound in self._buckets), len(observed)]
        for bucket, start, end in zip(self._metric._buckets, [0, *ends], ends, strict=False):
            if end > start:
                bucket.inc(end - start)
        self._metric._sum.inc(sum(observed))


_buffered: list[Buffered] = []


def flush() -> None:
    """Write all buffered observations to the file of this process."""
    for buffered in _buffered:
        buffered.flush()


RECEIVED = Buffered(Counter("gateway_events_received", "Events received, accepted and refused"))
ACCEPTED = Buffered(Counter("gateway_events_accepted", "Events stored in the journal and acknowledged"))
REFUSED = Counter("gateway_events_refused", "Events refused, by code", ["code"])
REPAIRED = Counter("gateway_events_repaired", "Warnings about accepted events, by code", ["code"])
DELETIONS = Counter(
    "gateway_deletions", 'Messages of type "delete" from webhooks, answered with 200 and not stored'
)
_HTTP_SECONDS = Histogram(
    "gateway_http_request_seconds",
    "Time from the end of the request headers to the response",
    ["dialect"],
    buckets=_SECONDS_BUCKETS,
)
COMMIT_SECONDS = Buffered(
    Histogram(
        "gateway_journal_commit_seconds",
        "Time from the first event of a commit until the commit is durable",
        buckets=_SECONDS_BUCKETS,
    ),
    _SECONDS_BUCKETS,
)
FSYNC_SECONDS = Buffered(
    Histogram(
        "gateway_journal_fsync_seconds",
        "Time of the synced write of one commit",
        buckets=_SECONDS_BUCKETS,
    ),
    _SECONDS_BUCKETS,
)
COMMIT_EVENTS = Buffered(
    Histogram("gateway_journal_commit_events", "Events made durable by one commit", buckets=_EVENTS_BUCKETS),
    _EVENTS_BUCKETS,
)
COMMIT_FAILURES = Counter(
    "gateway_journal_commit_failures", "Failed commits; their requests were answered with 503"
)
JOURNAL_INCIDENTS = Counter(
    "gateway_journal_incidents",
    "Damage, removal or unexpected change of journal files, by kind; each is logged",
    ["kind"],
)
CONNECTIONS = Gauge("gateway_connections", "Open connections of the intake", multiprocess_mode="livesum")
CONNECTIONS_REFUSED = Counter(
    "gateway_connections_refused", "Connections closed at once, because there were too many"
)
SINK_RETRIES = Counter("gateway_sink_retries", "Failed attempts to connect or deliver to a sink", ["sink"])
SINK_UP = Gauge(
    "gateway_sink_up",
    "1 while delivery to the sink succeeds, 0 while it is retried",
    ["sink"],
    multiprocess_mode="livemostrecent",
)


@cache
def http_seconds(dialect: str) -> Buffered:
    """Return the request duration histogram of a dialect."""
    return Buffered(_HTTP_SECONDS.labels(dialect), _SECONDS_BUCKETS)
