"""The times of events, from the index, from the newest events, and from single ones in between."""

from pathlib import Path

import pytest

from gateway.inspector.search.building import build
from gateway.inspector.search.index import Index
from gateway.inspector.search.timeline import Timeline
from gateway.raw import timestamps
from tests.build import open_log
from tests.inspector.inspecting import EVERYTHING, write_events_at

START = timestamps.read("2026-11-01T00:00:00Z")
TIMES = [START + number // 3 * 1000 for number in range(100)]
ONE_EVENT = EVERYTHING._replace(granule_bytes=1)
"""A granule each."""


def timeline(folder: Path, tail_events: int, tail_bytes: int = 10**6) -> Timeline:
    reader = open_log(folder).reader("0")
    return Timeline(reader, Index(folder / "search").runs("0", reader), tail_events, tail_bytes)


@pytest.mark.parametrize("tail_events", [0, 10, 1000])
@pytest.mark.parametrize("indexed", [0, 40, 100])
def test_the_number_of_any_time_is_found(tmp_path: Path, indexed: int, tail_events: int) -> None:
    write_events_at(tmp_path, TIMES)
    steps = iter(range(indexed))
    if indexed:
        build(
            open_log(tmp_path),
            tmp_path / "search",
            lambda _: next(steps, indexed) == indexed - 1,
            0.0,
            ONE_EVENT,
        )
    line = timeline(tmp_path, tail_events)
    asked = [START - 1, START, *range(START + 500, TIMES[-1] + 1000, 500)]

    found = [line.number_at(time) for time in asked]

    assert found == [sum(at < time for at in TIMES) for time in asked]


def test_the_newest_events_are_measured(tmp_path: Path) -> None:
    write_events_at(tmp_path, TIMES)

    line = timeline(tmp_path, 10)

    assert (line.oldest, line.newest, line.counted, line.last_at) == (0, 100, 10, TIMES[-1])
    assert 10 * 200 < line.size < 10 * 400


def test_fewer_of_the_newest_events_are_measured_if_they_are_large(tmp_path: Path) -> None:
    write_events_at(tmp_path, TIMES)

    line = timeline(tmp_path, 50, tail_bytes=3000)

    assert 5 < line.counted < 15
    assert [line.number_at(time) for time in (TIMES[0], TIMES[60], TIMES[99])] == [0, 60, 99]


def test_of_an_empty_partition_all_times_are_its_end(tmp_path: Path) -> None:
    line = timeline(tmp_path, 10)

    assert (line.number_at(0), line.number_at(START), line.newest, line.last_at) == (0, 0, 0, None)
