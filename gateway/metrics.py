"""
What is counted, for /metrics on the inspector.

Every process counts in a file of its own in the folder $PROMETHEUS_MULTIPROC_DIR, named after the
process ("intake-0", "delivery-0") and not after its number, so that a restarted one counts on.

What happens with every request or commit is buffered in memory, and moved there once a second by `flush`:
to count at once costs 1 to 2 µs, several times a request. A process that is killed loses its last second.
"""

import os
from bisect import bisect_right
from functools import cache
from multiprocessing import current_process
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, values

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    # The library's own switch, made for names that are not process numbers.
    values.ValueClass = values.MultiProcessValue(lambda: current_process().name)  # type: ignore[no-untyped-call]

_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_EVENTS_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


class Buffered:
    """A histogram, or a counter, whose observations wait for `flush`."""

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
        # There is no public way to observe many values at once.
        observed.sort()  # to look each of them up would hold up requests, once a second
        ends = [*(bisect_right(observed, bound) for bound in self._buckets), len(observed)]
        for bucket, start, end in zip(self._metric._buckets, [0, *ends], ends, strict=False):
            if end > start:
                bucket.inc(end - start)
        self._metric._sum.inc(sum(observed))


_buffered: list[Buffered] = []


def flush() -> None:
    """Move what was buffered to where /metrics finds it."""
    for buffered in _buffered:
        buffered.flush()


RECEIVED = Buffered(Counter("gateway_events_received", "Events that arrived, good or bad"))
ACCEPTED = Buffered(Counter("gateway_events_accepted", "Events stored in the journal and acknowledged"))
REFUSED = Counter("gateway_events_refused", "Events not stored, by the code in the answer", ["code"])
REPAIRED = Counter(
    "gateway_events_repaired", "Warnings about events that were stored all the same, by code", ["code"]
)
DELETIONS = Counter(
    "gateway_deletions", 'Messages of type "delete" from webhooks, answered 200 and not stored'
)
_HTTP_SECONDS = Histogram(
    "gateway_http_request_seconds",
    "From the end of a request's head to its answer",
    ["dialect"],
    buckets=_SECONDS_BUCKETS,
)
COMMIT_SECONDS = Buffered(
    Histogram(
        "gateway_journal_commit_seconds",
        "From the first event waiting for a commit to its being durable",
        buckets=_SECONDS_BUCKETS,
    ),
    _SECONDS_BUCKETS,
)
FSYNC_SECONDS = Buffered(
    Histogram(
        "gateway_journal_fsync_seconds",
        "The write of one commit alone, until it is on stable storage",
        buckets=_SECONDS_BUCKETS,
    ),
    _SECONDS_BUCKETS,
)
COMMIT_EVENTS = Buffered(
    Histogram("gateway_journal_commit_events", "Events made durable by one commit", buckets=_EVENTS_BUCKETS),
    _EVENTS_BUCKETS,
)
COMMIT_FAILURES = Counter(
    "gateway_journal_commit_failures", "Commits that failed; their submissions were answered 503"
)
JOURNAL_INCIDENTS = Counter(
    "gateway_journal_incidents",
    "Things that must not happen to the journal's files, each told by a log line",
    ["kind"],
)
SINK_RETRIES = Counter("gateway_sink_retries", "Batches that a sink did not take at once", ["sink"])
SINK_UP = Gauge(
    "gateway_sink_up",
    "1 while a sink takes what it is given, 0 while it is retried",
    ["sink"],
    multiprocess_mode="livemostrecent",
)


@cache
def http_seconds(dialect: str) -> Buffered:
    return Buffered(_HTTP_SECONDS.labels(dialect), _SECONDS_BUCKETS)
