"""json_lines and events out of order: replays go to a file of their own, retries are appended."""

from pathlib import Path

import pytest

from gateway.config.units import Size
from gateway.sinks.json_lines import JsonLines
from tests.build import event_lines
from tests.sinks.batches import batch, lines, others, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def replayed(file: Path) -> Path:
    return file.with_name("events-replay.jsonl")


def test_replayed_events_are_not_twice_in_the_file(file: Path, replayed: Path) -> None:
    write(JsonLines(path=file), b"", batch(0, 3), batch(0, 2, origin="replay"), batch(3, 5))

    assert lines(file) == event_lines(0, 5)
    assert lines(replayed) == event_lines(0, 2)


def test_without_a_replay_there_is_no_file_for_it(file: Path) -> None:
    write(JsonLines(path=file), b"", batch(0, 3))

    assert others(file) == []


def test_retried_events_are_appended(file: Path) -> None:
    write(JsonLines(path=file), b"", batch(5, 7), batch(2, 3, origin="retry"), batch(7, 8))

    assert lines(file) == [*event_lines(5, 7), *event_lines(2, 3), *event_lines(7, 8)]


@pytest.mark.parametrize("recorded_before", [0, 2], ids=["the first batch", "a later batch"])
def test_an_unrecorded_batch_of_a_replay_is_not_written_twice(
    file: Path, replayed: Path, recorded_before: int
) -> None:
    sink = JsonLines(path=file)
    before = [batch(0, recorded_before, origin="replay")] if recorded_before else []
    recorded = write(sink, b"", batch(0, 9), *before)
    write(sink, recorded, batch(recorded_before, 5, origin="replay"))  # then a crash before it is recorded

    write(sink, recorded, batch(9, 10), batch(recorded_before, 7, origin="replay"))

    assert lines(replayed) == event_lines(0, 7)
    assert lines(file) == event_lines(0, 10)


def test_an_unrecorded_retry_is_not_written_twice(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(5, 7))
    write(sink, recorded, batch(2, 4, origin="retry"))  # then a crash before it is recorded

    write(sink, recorded, batch(7, 9), batch(2, 4, origin="retry"))

    assert sorted(lines(file)) == sorted([*event_lines(2, 4), *event_lines(5, 9)])


def test_a_second_replay_is_written_again(file: Path, replayed: Path) -> None:
    recorded = write(JsonLines(path=file), b"", batch(0, 3, origin="replay"))

    write(JsonLines(path=file), recorded, batch(0, 3, origin="replay"))

    assert lines(replayed) == event_lines(0, 3) * 2


def test_the_file_for_replays_is_rotated_too(file: Path, replayed: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))

    write(sink, b"", batch(0, 2, origin="replay"), batch(2, 3, origin="replay"))

    [aside] = [path for path in others(file) if path != replayed]
    assert aside.match("events-replay-????????T??????.??????Z.jsonl")
    assert (lines(aside), lines(replayed)) == (event_lines(0, 2), event_lines(2, 3))


def test_a_receipt_of_an_older_version_is_understood(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = write(sink, b"", batch(0, 2)).partition(b',"replay":')[0] + b"}"
    write(sink, recorded, batch(2, 5))  # then a crash before it is recorded

    write(sink, recorded, batch(2, 5))

    assert lines(file) == event_lines(0, 5)
