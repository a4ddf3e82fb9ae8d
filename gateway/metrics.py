"""
The metrics of all processes, exported at /metrics on the inspector.

Each process counts in its own file in $PROMETHEUS_MULTIPROC_DIR. The file is named after the process
("intake-0", "delivery-0") and not after its process id, so that counters continue after a restart.

The outcomes of events are written at once, so that a killed process has counted all that it did. Times
and sizes are buffered in memory and flushed once a second, because an observation costs 1 to 2 µs. A process
that is killed loses the observations of its last second.
"""

import os
from bisect import bisect_right
from functools import cache, partial
from multiprocessing import current_process
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, values
from prometheus_client.metrics import MetricWrapperBase

_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EVENTS_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


_exact: list["Exact"] = []


def begin() -> None:
    """
    Count in the files of this process from now on, not in those of the parent that it has inherited.

    Without a folder, count in memory, where nobody sees it.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return
    # The library's hook for names other than process ids.
    values.ValueClass = values.MultiProcessValue(lambda: current_process().name)  # type: ignore[no-untyped-call]
    for metric in set(REGISTRY._names_to_collectors.values()):
        if isinstance(metric, MetricWrapperBase):
            if metric._labelnames:
                metric._metrics.clear()
            else:
                metric._metric_init()  # type: ignore[no-untyped-call]  # makes new values
    reopen()


def incidents() -> dict[str, float]:
    """Return the journal incidents that this process has counted, by kind."""
    samples = (sample for metric in JOURNAL_INCIDENTS.collect() for sample in metric.samples)
    return {each.labels["kind"]: each.value for each in samples if each.name.endswith("_total")}


def begin_with_incidents() -> None:
    """Do as `begin`, and keep the journal incidents that the parent has counted."""
    found = incidents()
    begin()
    for kind, number in found.items():
        JOURNAL_INCIDENTS.labels(kind).inc(number)


def reopen() -> None:
    """Continue in the files of this process after it was renamed."""
    for counter in _exact:
        counter.open()


class Exact:
    """A counter that is written at once, at an eighth of the library's cost. Not thread-safe."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.open()
        _exact.append(self)

    def open(self) -> None:
        """Continue in the file of this process, under its current name."""
        value: Any = self._counter._value
        self.total: float = value.get()  # reopens the file if the process has another name
        file = getattr(value, "_file", None)
        self._write = partial(file.write_value, value._key) if file else value.set

    def add(self, amount: float) -> None:
        self.total += amount
        self._write(self.total, 0.0)


class Buffered:
    """A histogram whose observations are buffered until `flush`. Not thread-safe."""

    def __init__(self, histogram: Histogram, buckets: tuple[float, ...]) -> None:
        self.waiting: list[float] = []
        self.add = self.waiting.append
        self._histogram: Any = histogram
        self._buckets = buckets
        _unwritten.append(self)

    def flush(self) -> None:
        observed = self.waiting[:]
        del self.waiting[: len(observed)]
        if not observed:
            return
        # prometheus-client has no public way to observe many values at once.
        observed.sort()  # faster than a bucket search for each value, which would delay requests
        ends = [*(bisect_right(observed, bound) for bound in self._buckets), len(observed)]
        for bucket, start, end in zip(self._histogram._buckets, [0, *ends], ends, strict=False):
            if end > start:
                bucket.inc(end - start)
        self._histogram._sum.inc(sum(observed))


class Level:
    """A number that goes up and down in memory, and is written by `flush`. Not thread-safe."""

    def __init__(self, gauge: Gauge) -> None:
        self.now = 0
        self._gauge = gauge
        self._written = -1
        _unwritten.append(self)

    def flush(self) -> None:
        if self.now != self._written:
            self._written = self.now
            self._gauge.set(self.now)


_unwritten: list[Buffered | Level] = []


def flush() -> None:
    """Write all that is buffered to the file of this process."""
    for each in _unwritten:
        each.flush()


RECEIVED = Exact(Counter("gateway_events_received", "Events that arrived: accepted, refused or in flight"))
ACCEPTED = Exact(Counter("gateway_events_accepted", "Events stored in the journal and acknowledged"))
_REFUSED = Counter("gateway_events_refused", "Events refused, by code", ["code"])
IN_FLIGHT = Level(
    Gauge(
        "gateway_events_in_flight",
        "Events received and neither accepted nor refused yet, within the last second",
        multiprocess_mode="livesum",
    )
)
REPAIRED = Counter("gateway_events_repaired", "Warnings about accepted events, by code", ["code"])
DELETIONS = Counter(
    "gateway_deletions", 'Messages of type "delete" from webhooks, answered with 200 and not stored'
)
_HTTP_SECONDS = Histogram(
    "gateway_http_request_seconds",
    "Time from the end of the request headers to the response, by dialect and class of status",
    ["dialect", "status"],
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
def refused(code: str) -> Exact:
    """Return the counter of the events that were refused with a code."""
    return Exact(_REFUSED.labels(code))


@cache
def http_seconds(dialect: str, status: int) -> Buffered:
    """Return the histogram of the requests of a dialect that were answered with a status."""
    return _http_seconds_of_class(dialect, f"{status // 100}xx")


@cache
def _http_seconds_of_class(dialect: str, status: str) -> Buffered:
    return Buffered(_HTTP_SECONDS.labels(dialect, status), _SECONDS_BUCKETS)
