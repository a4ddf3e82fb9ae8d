"""The overview: the gateway's health in numbers."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.errors import StateUnavailable
from gateway.inspector.queries import refused
from gateway.inspector.queries import sinks as sink_queries
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.search.timeline import Timeline
from gateway.raw import timestamps
from gateway.state import report
from gateway.state.report import SinkReport

_RECENT_SECONDS = 10
_HOURS = 24
_HOUR_MS = 3_600_000
_RECENT_CODES = 20
_COMMITS = "gateway_journal_commit_seconds"


class RecentCode(msgspec.Struct, frozen=True):
    """A code with which events were refused recently."""

    code: str
    events: int
    """In the last 24 hours."""
    last_at: str
    """ISO-8601 UTC."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the whole gateway. What cannot be read now is None."""

    at: str
    """ISO-8601 UTC."""
    accepted_per_second: float
    """Over the last 10 seconds."""
    accepted_last_day: int
    """Counts only events that the journal still retains."""
    accepted_by_hour: list[int]
    """Events of each of the last 24 hours, the oldest first."""
    refused_last_day: int | None
    refused: list[RecentCode]
    """At most 20, the newest first."""
    events: int
    """All events that the journal ever had."""
    last_event: str | None
    """The position of the newest event."""
    last_received_at: str | None
    sinks: list[SinkReport] | None
    """None until delivery has started."""
    journal_bytes: int
    journal_max_bytes: int
    hours_left: float | None
    """Until the journal is full, at the last hour's pace and if nothing is released; None: no events."""
    commit_p99_ms: float | None
    """Since the gateway started; None: no commits yet."""


def overview(inspection: Inspection) -> Overview:
    """Return the numbers of the overview. Raises OSError."""
    now = time.time_ns() // 1_000_000
    with report.readers(inspection.journal) as readers:
        lines = {
            partition: Timeline(reader, inspection.index.runs(partition, reader))
            for partition, reader in readers.items()
        }
        bounds = [_numbers_at(lines, now - hours * _HOUR_MS) for hours in range(_HOURS, 0, -1)]
        recent = _numbers_at(lines, now - _RECENT_SECONDS * 1000)
    events = sum(line.newest for line in lines.values())
    size, most = inspection.journal.size(), inspection.config().journal.max_size
    counts = _refused(inspection)
    last = max(lines, key=lambda partition: lines[partition].last_at or 0, default=None)
    last_at = lines[last].last_at if last else None
    return Overview(
        at=timestamps.write(now),
        accepted_per_second=(events - recent) / _RECENT_SECONDS,
        accepted_last_day=events - bounds[0],
        accepted_by_hour=[end - start for start, end in zip(bounds, [*bounds[1:], events], strict=True)],
        refused_last_day=None if counts is None else sum(each.events for each in counts),
        refused=sorted(counts or (), key=lambda each: each.last_at, reverse=True)[:_RECENT_CODES],
        events=events,
        last_event=None if last is None or last_at is None else f"{last}/{lines[last].newest - 1}",
        last_received_at=None if last_at is None else timestamps.write(last_at),
        sinks=_sinks(inspection),
        journal_bytes=size,
        journal_max_bytes=most,
        hours_left=_hours_left(lines, events - bounds[-1], most - size),
        commit_p99_ms=_commit_p99_ms(),
    )


def _numbers_at(lines: Mapping[str, Timeline], time: int) -> int:
    """Return how many events the journal had ever received before a time."""
    return sum(line.number_at(time) for line in lines.values())


def _hours_left(lines: Mapping[str, Timeline], events: int, room: int) -> float | None:
    """Return how many hours `room` bytes last at `events` per hour, each as large as the newest are."""
    size = sum(line.size for line in lines.values())
    counted = sum(line.counted for line in lines.values())
    return max(0, room) * counted / (events * size) if events and size else None


def _refused(inspection: Inspection) -> list[RecentCode] | None:
    """Return the last day's refusals by code, or None if they cannot be read."""
    found: dict[str, RecentCode] = {}
    try:
        for each in refused.counts(inspection, since=f"{_HOURS}h"):
            before = found.get(each.code, RecentCode(each.code, 0, ""))
            last_at = max(before.last_at, each.last_at)
            found[each.code] = RecentCode(each.code, before.events + each.events, last_at)
    except StateUnavailable:
        return None
    return [*found.values()]


def _sinks(inspection: Inspection) -> list[SinkReport] | None:
    try:
        return sink_queries.sinks(inspection)
    except StateUnavailable:
        return None


def _commit_p99_ms() -> float | None:
    """Return the 99th percentile of commit times, from the histograms of all processes."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    files = [str(path) for path in Path(folder).glob("histogram_*.db")] if folder else []
    metrics = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # the library has no annotations
    buckets = sorted(
        (float(sample.labels["le"]), float(sample.value))
        for metric in metrics
        for sample in metric.samples
        if sample.name == f"{_COMMITS}_bucket"
    )
    return quantile_ms(buckets)


def quantile_ms(buckets: list[tuple[float, float]], quantile: float = 0.99) -> float | None:
    """
    Return a quantile, in ms, of a cumulative histogram in seconds, or None if it is empty.

    Like Prometheus' histogram_quantile, it assumes that a bucket's values are evenly spread, and takes values
    beyond all limits as the highest limit.
    """
    if not buckets or not buckets[-1][1]:
        return None
    wanted = quantile * buckets[-1][1]
    lower, below = 0.0, 0.0
    for upper, count in buckets:
        if count >= wanted:
            if upper == float("inf"):
                return round(lower * 1000, 3)
            return round((lower + (upper - lower) * (wanted - below) / (count - below)) * 1000, 3)
        lower, below = upper, count
    return None
