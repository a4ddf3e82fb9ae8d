"""The numbers of the overview."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gateway.inspector.queries.overview import Overview, overview, quantile_ms
from gateway.sinks.null import Null
from gateway.state.store import State
from tests.build import JOURNAL, event_line
from tests.inspector.inspecting import EVERYTHING, index, inspection, write_events_at

HOUR = 3600


def store(folder: Path, ages: Sequence[float], partition: int = 0) -> None:
    """Store one event a chunk, received so many seconds ago."""
    now = time.time()
    write_events_at(folder, [int((now - age) * 1000) for age in ages], partition)


def test_of_a_fresh_gateway_everything_is_empty(tmp_path: Path) -> None:
    found = overview(inspection(tmp_path, archive=Null()))

    assert found.at
    assert found == Overview(
        at=found.at,
        accepted_per_second=0.0,
        accepted_last_day=0,
        accepted_by_hour=[0] * 24,
        refused_last_day=0,
        refused=[],
        events=0,
        last_event=None,
        last_received_at=None,
        sinks=None,
        journal_bytes=0,
        journal_max_bytes=20 * 1024**3,
        hours_left=None,
        commit_p99_ms=None,
    )


@pytest.mark.parametrize("indexed", ["not indexed", "indexed", "indexed in small runs"])
def test_events_are_counted_by_hour(tmp_path: Path, indexed: str) -> None:
    hours = [30, 25, 23.5, 23.4, 5.5, 5.4, 5.3, 0.9, 0.5]
    store(tmp_path, [*(HOUR * age for age in hours), 4.0, 2.0, 0.1])
    store(tmp_path, [HOUR * 1.5, 1.0], partition=1)
    if indexed != "not indexed":
        small = EVERYTHING._replace(granule_bytes=1, run_entries=10)
        index(tmp_path, EVERYTHING._replace(granule_bytes=1) if indexed == "indexed" else small)

    found = overview(inspection(tmp_path))

    expected = [0] * 24
    expected[0], expected[18], expected[22], expected[23] = 2, 3, 1, 6
    assert found.accepted_by_hour == expected
    assert (found.accepted_last_day, found.events) == (12, 14)
    assert found.accepted_per_second == pytest.approx(0.4)
    assert found.last_event == "0/11"


def test_the_room_left_is_that_of_the_pace_of_the_last_hour(tmp_path: Path) -> None:
    store(tmp_path, [10.0 + number for number in reversed(range(100))])

    found = overview(inspection(tmp_path))

    size = len(event_line(50, receivedAt=found.at)) + 1
    assert found.hours_left == pytest.approx((20 * 1024**3 - found.journal_bytes) / (100 * size), rel=0.01)


def test_each_sink_is_reported_once_delivery_has_started(tmp_path: Path) -> None:
    asked = inspection(tmp_path, archive=Null(), other=Null())
    State.prepare(asked.state, JOURNAL)
    with closing(State.open(asked.state, JOURNAL)) as state:
        state.orders.place("other", "pause")

    found = overview(asked)

    assert found.sinks
    assert [(sink.name, sink.state) for sink in found.sinks] == [("archive", "up"), ("other", "paused")]


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        pytest.param([], None, id="no histogram"),
        pytest.param([(0.1, 0.0), (float("inf"), 0.0)], None, id="no commits"),
        pytest.param([(0.001, 100.0), (float("inf"), 100.0)], 0.99, id="all in the first bucket"),
        pytest.param([(0.001, 98.0), (0.003, 100.0), (float("inf"), 100.0)], 2.0, id="between two limits"),
        pytest.param([(0.001, 98.0), (float("inf"), 100.0)], 1.0, id="beyond all limits"),
    ],
)
def test_a_quantile_is_that_of_its_bucket(buckets: list[tuple[float, float]], expected: float | None) -> None:
    assert quantile_ms(buckets) == expected
