"""A shard whose disk fails or is full: it says so, and nothing that was acknowledged is harmed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import JournalUnavailable
from gateway.journal import files
from gateway.journal.reader import Reader
from tests.build import Read, event_line, event_lines, open_shard, read_all
from tests.journal.breaking import crashed, failing_sync, full_disk

ROOT = Path(__file__).parents[2]


def log(folder: Path) -> Path:
    """The log of the newest file."""
    return Path(f"{files.files(folder)[-1].path}-wal")


def message_ids(folder: Path) -> list[str]:
    return [json.loads(line)["messageId"] for line in read_all(folder).lines]


def test_on_a_full_disk_nothing_is_acknowledged(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))

    with full_disk(log(tmp_path / "0")), pytest.raises(JournalUnavailable, match="full"):
        shard.write(event_lines(2, 4))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2), 0, 2)


def test_when_the_disk_has_space_again_it_goes_on_in_the_same_file(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))

    with full_disk(log(tmp_path / "0")), pytest.raises(JournalUnavailable):
        shard.write(event_lines(2, 4))
    shard.write(event_lines(2, 4))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)
    assert len(files.files(tmp_path / "0")) == 1


def test_after_an_io_error_nothing_is_tried_again_on_the_same_file(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    failing_sync(log(tmp_path / "0"))

    with pytest.raises(JournalUnavailable, match="I/O"):
        shard.write(event_lines(2, 4))
    shard.write(event_lines(4, 5))

    assert [file.first for file in files.files(tmp_path / "0")] == [0, 4]


def test_an_io_error_costs_no_acknowledged_event(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    failing_sync(log(tmp_path / "0"))

    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(2, 4))
    shard.write(event_lines(4, 6))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2) + event_lines(4, 6), 0, 6)


def test_numbers_that_an_io_error_has_skipped_count_for_nothing(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    failing_sync(log(tmp_path / "0"))

    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(2, 4))
    shard.write(event_lines(4, 5))

    reader = Reader(tmp_path / "0")
    assert (reader.newest(), reader.taken()) == (5, 3)


def test_skipped_numbers_are_remembered_by_a_successor(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    failing_sync(log(tmp_path / "0"))
    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(2, 4))
    shard.write([])
    found = crashed(tmp_path / "0", tmp_path / "copy")

    successor = open_shard(found)
    successor.write(event_lines(4, 5))

    assert Reader(found).taken() == 3
    assert read_all(found) == Read(event_lines(0, 2) + event_lines(4, 5), 0, 5)


def test_a_file_that_cannot_be_made_is_tried_again_with_another_name(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    obstacle = tmp_path / "0" / f"{0:020d}.db"
    obstacle.mkdir()

    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(0, 2))
    shard.write(event_lines(2, 3))

    obstacle.rmdir()
    assert (read_all(tmp_path / "0").lines, Reader(tmp_path / "0").taken()) == (event_lines(2, 3), 1)


def test_a_vanished_folder_is_told_of_and_not_fatal(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    (tmp_path / "0").rename(tmp_path / "elsewhere")

    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(0, 2))
    (tmp_path / "elsewhere").rename(tmp_path / "0")
    shard.write(event_lines(2, 3))

    assert read_all(tmp_path / "0").lines == event_lines(2, 3)


def test_a_limit_of_the_system_on_file_sizes_costs_no_acknowledged_event(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.journal.limited", str(tmp_path / "0")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )

    told = json.loads(done.stdout)
    found = message_ids(tmp_path / "0")
    assert len(told["refusals"]) == 1
    # The one that was refused may be there as well: its commit may have failed at the very end.
    assert [name for name in found if int(name[1:]) in told["acknowledged"]] == [
        f"m{number}" for number in told["acknowledged"]
    ]


def test_an_abandoned_file_does_not_hinder_a_checkpoint(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    failing_sync(log(tmp_path / "0"))

    shard.checkpoint()
    shard.write([event_line(2)])

    assert read_all(tmp_path / "0").lines == event_lines(0, 3)
