"""The json_lines sink: content and rotation."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pytest

from gateway.config.units import Size
from gateway.errors import SinkUnavailable
from gateway.sinks.base import Sink
from gateway.sinks.json_lines import JsonLines
from tests.build import event_line, event_lines, open_files
from tests.journey.faults import Ballast, small_disk
from tests.sinks.batches import batch, lines, others, write
from tests.sinks.contract import Example, id_of


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return JsonLines(path=folder / "data/events.jsonl")


class Disk(Example):
    """A file on a disk of its own."""

    replays_once = True
    faults = ("gone", "full")

    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._open = ExitStack()
        self._file = self._disk / "data/events.jsonl"
        self.sink = JsonLines(path=self._file)

    def __enter__(self) -> Self:
        self._open.enter_context(small_disk(self._disk, "64M"))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def arrived(self) -> list[str]:
        return [id_of(line) for line in lines(self._file)] if self._file.exists() else []

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        data, away = self._disk / "data", self._disk / "away"
        if fault == "gone":
            data.mkdir(exist_ok=True)
            data.rename(away)
            data.touch()
            yield self.sink
            data.unlink()
            away.rename(data)
        else:
            ballast = Ballast(self._disk)
            ballast.fill()
            yield self.sink
            ballast.remove()


EXAMPLES = {"": Disk}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_events_are_appended_one_per_line(file: Path) -> None:
    write(JsonLines(path=file), b"", batch(0, 2), batch(2, 5))

    assert lines(file) == event_lines(0, 5)


def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    write(JsonLines(path=tmp_path / "a/b/events.jsonl"), b"", batch(0, 1))

    assert lines(tmp_path / "a/b/events.jsonl") == event_lines(0, 1)


def test_events_are_appended_to_an_existing_file(file: Path) -> None:
    receipt = write(JsonLines(path=file), b"", batch(0, 2))

    write(JsonLines(path=file), receipt, batch(2, 3))

    assert lines(file) == event_lines(0, 3)


def test_the_initial_receipt_is_known_before_the_first_batch(file: Path) -> None:
    first = write(JsonLines(path=file), b"")

    assert first
    assert write(JsonLines(path=file), first) == first


def test_a_file_at_its_size_limit_is_rotated_to_a_name_with_its_time(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(len(event_line()) + 1))

    write(sink, b"", batch(0, 1), batch(1, 2), batch(2, 3))

    aside = others(file)
    assert [lines(path) for path in [*aside, file]] == [event_lines(n, n + 1) for n in range(3)]
    assert all(path.match("events-????????T??????.??????Z.jsonl") for path in aside)


def test_a_file_below_its_size_limit_is_not_rotated(file: Path) -> None:
    sink = JsonLines(path=file, rotate_size=Size(len(event_line()) + 2))

    write(sink, b"", batch(0, 1), batch(1, 2))

    assert (others(file), lines(file)) == ([], event_lines(0, 2))


def test_an_empty_file_is_never_rotated(file: Path) -> None:
    write(JsonLines(path=file, rotate_size=Size(1), rotate_daily=True), b"", batch(0, 1))

    assert others(file) == []


@pytest.mark.parametrize("daily", [True, False], ids=["requested", "not requested"])
def test_a_file_is_rotated_with_the_first_batch_of_a_day(file: Path, daily: bool) -> None:
    receipt = write(JsonLines(path=file), b"", batch(0, 1))

    write(JsonLines(path=file, rotate_daily=daily), begun_before(receipt), batch(1, 2), batch(2, 3))

    expected = [file.with_name("events-20260101T235959.000000Z.jsonl")] if daily else []
    assert others(file) == expected
    assert lines(*expected, file) == event_lines(0, 3)


def test_rotation_never_overwrites_a_file(file: Path) -> None:
    sink = JsonLines(path=file, rotate_daily=True)
    earlier = file.with_name("events-20260101T235959.000000Z.jsonl")
    earlier.write_bytes(batch(0, 1).data)
    receipt = write(sink, b"", batch(1, 2))

    write(sink, begun_before(receipt), batch(2, 3))

    assert lines(earlier) == event_lines(0, 1)
    assert lines(*others(file), file) == event_lines(0, 3)


def begun_before(receipt: bytes) -> bytes:
    """Return the receipt with an earlier creation date."""
    return json.dumps({**json.loads(receipt), "opened": "2026-01-01T23:59:59.000000Z"}).encode()


def test_a_full_disk_makes_the_sink_unavailable(file: Path) -> None:
    file.symlink_to("/dev/full")

    with pytest.raises(SinkUnavailable, match=r"events\.jsonl: No space left"):
        write(JsonLines(path=file), b"", batch(0, 1))


def test_a_folder_at_its_path_makes_the_sink_unavailable(file: Path) -> None:
    file.mkdir()

    with pytest.raises(SinkUnavailable, match=r"events\.jsonl: Is a directory"):
        write(JsonLines(path=file), b"")


def test_a_file_in_place_of_its_folder_makes_the_sink_unavailable(file: Path) -> None:
    file.touch()

    with pytest.raises(SinkUnavailable, match="below"):
        write(JsonLines(path=file / "below"), b"")


def test_a_file_without_lines_makes_the_sink_unavailable(file: Path) -> None:
    file.touch()
    os.truncate(file, 100 * 1024**2)

    with pytest.raises(SinkUnavailable, match="its last line is longer than 64 MB"):
        write(JsonLines(path=file), b"")


@pytest.mark.anyio
async def test_a_file_in_use_by_another_sink_makes_the_sink_unavailable(file: Path) -> None:
    file.with_name("link").symlink_to(file.parent)

    async with JsonLines(path=file).connect("one", b""):
        with pytest.raises(SinkUnavailable, match="the file is in use by another process or sink"):
            async with JsonLines(path=file.with_name("link") / "events.jsonl").connect("other", b""):
                pass


@pytest.mark.parametrize("trouble", ["none", "in between", "at the start"])
def test_closing_leaves_no_descriptor_open(file: Path, trouble: str) -> None:
    sink = JsonLines(path=file, rotate_size=Size(1))

    if trouble == "in between":
        file.symlink_to("/dev/full")
    elif trouble == "at the start":
        file.touch()
        os.truncate(file, 100 * 1024**2)
    if trouble == "none":
        write(sink, b"", batch(0, 1), batch(1, 2))
    else:
        with pytest.raises(SinkUnavailable):
            write(sink, b"", batch(0, 1), batch(1, 2))

    assert open_files(file.parent) == 0
