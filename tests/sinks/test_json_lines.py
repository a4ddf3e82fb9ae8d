"""The sink that appends to a file: each event once, whenever it was interrupted."""

import json
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.json_lines import JsonLines
from gateway.units import Size
from tests.build import event_line, event_lines


def example(folder: Path) -> Sink:
    """One to hold to the contract of the family."""
    return JsonLines(path=folder / "data/events.jsonl")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def append(sink: JsonLines, notes: bytes, *batches: Sequence[bytes]) -> bytes:
    """Connect, write the batches, and return the last notes."""

    async def write_all() -> bytes:
        latest = notes
        async with sink.connect(notes) as write:
            for batch in batches:
                latest = await write(batch)
        return latest

    return anyio.run(write_all)


def lines(*files: Path) -> list[bytes]:
    """All lines, each of which is whole."""
    found: list[bytes] = []
    for file in files:
        content = file.read_bytes()
        assert content.endswith(b"\n") or not content
        found += content.split(b"\n")[:-1]
    assert all(isinstance(json.loads(line), dict) for line in found)
    return found


def set_aside(file: Path) -> list[Path]:
    return sorted(path for path in file.parent.iterdir() if path != file)


def test_events_are_appended_one_a_line(file: Path) -> None:
    append(JsonLines(path=file), b"", event_lines(0, 2), event_lines(2, 5))

    assert lines(file) == event_lines(0, 5)


def test_its_folder_is_made(tmp_path: Path) -> None:
    append(JsonLines(path=tmp_path / "a/b/events.jsonl"), b"", event_lines(0, 1))

    assert lines(tmp_path / "a/b/events.jsonl") == event_lines(0, 1)


def test_a_file_that_is_there_already_is_gone_on_with(file: Path) -> None:
    file.write_bytes(event_line(0) + b"\n")

    notes = append(JsonLines(path=file), b"", event_lines(1, 2))
    append(JsonLines(path=file), notes, event_lines(2, 3))

    assert lines(file) == event_lines(0, 3)


def test_what_was_never_recorded_is_cut_off(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = append(sink, b"", event_lines(0, 2))
    append(sink, recorded, event_lines(2, 5))  # and a crash before that is recorded

    append(sink, recorded, event_lines(2, 5))

    assert lines(file) == event_lines(0, 5)


def test_a_line_that_was_being_written_is_cut_off(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = append(sink, b"", event_lines(0, 2))
    with file.open("ab") as opened:
        opened.write(event_line(2)[:50])

    append(sink, recorded, event_lines(2, 3))

    assert lines(file) == event_lines(0, 3)


def test_it_may_be_moved_away_between_two_starts(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = append(sink, b"", event_lines(0, 2))
    moved = file.rename(file.with_name("moved.jsonl"))

    append(sink, recorded, event_lines(2, 5))

    assert (lines(moved), lines(file)) == (event_lines(0, 2), event_lines(2, 5))


def test_it_may_be_moved_away_and_the_next_batch_not_be_recorded(file: Path) -> None:
    sink = JsonLines(path=file)
    recorded = append(sink, b"", [event_line(0, properties={"filler": "x"})])
    moved = file.rename(file.with_name("moved.jsonl"))
    append(sink, recorded, event_lines(1, 5))  # and a crash before that is recorded

    append(sink, recorded, event_lines(1, 5))

    assert set(lines(moved, file)) == {event_line(0, properties={"filler": "x"}), *event_lines(1, 5)}


def test_at_its_size_it_is_set_aside_under_a_name_with_the_time(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(len(event_line()) + 1))

    append(sink, b"", event_lines(0, 1), event_lines(1, 2), event_lines(2, 3))

    aside = set_aside(file)
    assert [lines(path) for path in [*aside, file]] == [event_lines(n, n + 1) for n in range(3)]
    assert all(path.match("events-????????T??????.??????Z.jsonl") for path in aside)


def test_below_its_size_it_stays(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(len(event_line()) + 2))

    append(sink, b"", event_lines(0, 1), event_lines(1, 2))

    assert (set_aside(file), lines(file)) == ([], event_lines(0, 2))


def test_an_empty_file_is_never_set_aside(file: Path) -> None:
    append(JsonLines(path=file, rotate_size=Size(1), rotate_daily=True), b"", event_lines(0, 1))

    assert set_aside(file) == []


@pytest.mark.parametrize("daily", [True, False], ids=["asked for", "not asked for"])
def test_with_the_first_batch_of_a_day_it_is_set_aside(file: Path, daily: bool) -> None:
    notes = json.loads(append(JsonLines(path=file), b"", event_lines(0, 1)))
    yesterday = json.dumps({**notes, "opened": "2026-01-01T23:59:59.000000Z"}).encode()

    append(JsonLines(path=file, rotate_daily=daily), yesterday, event_lines(1, 2), event_lines(2, 3))

    expected = [file.with_name("events-20260101T235959.000000Z.jsonl")] if daily else []
    assert set_aside(file) == expected
    assert lines(*expected, file) == event_lines(0, 3)


def test_what_is_written_after_it_was_set_aside_and_never_recorded_is_cut_off(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))
    recorded = append(sink, b"", event_lines(0, 2))
    append(sink, recorded, event_lines(2, 5))  # and a crash before that is recorded

    append(sink, recorded, event_lines(2, 5))

    assert lines(*set_aside(file), file) == event_lines(0, 5)


def test_a_crash_after_it_was_set_aside_costs_nothing(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))
    recorded = append(sink, b"", event_lines(0, 2))
    append(sink, recorded, event_lines(2, 3))
    file.unlink()  # as if the new one had never been begun

    append(sink, recorded, event_lines(2, 3))

    assert lines(*set_aside(file), file) == event_lines(0, 3)


def test_a_full_disk_is_a_matter_of_time(file: Path) -> None:
    file.symlink_to("/dev/full")

    with pytest.raises(SinkUnavailable, match=r"events\.jsonl: No space left"):
        append(JsonLines(path=file), b"", event_lines(0, 1))


def test_so_is_a_folder_in_its_place(file: Path) -> None:
    file.mkdir()

    with pytest.raises(SinkUnavailable, match=r"events\.jsonl: Is a directory"):
        append(JsonLines(path=file), b"")


def test_so_is_a_file_in_the_place_of_its_folder(file: Path) -> None:
    file.touch()

    with pytest.raises(SinkUnavailable, match="below"):
        append(JsonLines(path=file / "below"), b"")


def test_nothing_stays_open(file: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    append(JsonLines(path=file, rotate_size=Size(1)), b"", event_lines(0, 1), event_lines(1, 2))

    assert len(list(Path("/proc/self/fd").iterdir())) == before
