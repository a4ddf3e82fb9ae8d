"""A full or failing disk: errors are reported, and acknowledged events are not affected."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import JournalUnavailable
from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.reader import Reader
from tests.build import Read, event_lines, open_partition, read_all
from tests.journal.breaking import crashed, failing_sync, full_disk, put_in_doubt

ROOT = Path(__file__).parents[2]


def newest(folder: Path) -> Path:
    return folder / files.name(files.listing(folder)[-1])


def test_on_a_full_disk_nothing_is_acknowledged(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))

    with full_disk(newest(tmp_path / "0")):
        with pytest.raises(JournalUnavailable, match="No space left"):
            partition.write(event_lines(2, 4))
        with pytest.raises(JournalUnavailable, match="No space left"):
            partition.probe()

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2), 0, 2)
    partition.close()


def test_the_same_file_is_used_once_the_disk_has_space_again(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))

    with full_disk(newest(tmp_path / "0")), pytest.raises(JournalUnavailable):
        partition.write(event_lines(2, 4))
    partition.write(event_lines(2, 4))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)
    assert files.listing(tmp_path / "0") == [0]
    partition.close()


def test_a_partial_write_on_a_full_disk_is_overwritten(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    put_in_doubt(newest(tmp_path / "0"), 2, event_lines(100, 110))

    with full_disk(newest(tmp_path / "0")), pytest.raises(JournalUnavailable):
        partition.write(event_lines(100, 110))
    partition.write(event_lines(2, 3))
    found = crashed(tmp_path / "0", tmp_path / "copy")
    open_partition(found).close()

    assert read_all(tmp_path / "0") == read_all(found) == Read(event_lines(0, 3), 0, 3)
    partition.close()


@pytest.mark.parametrize("step", ["a write", "a probe", "the end of a file"])
def test_after_an_io_error_the_file_is_not_used_again(tmp_path: Path, step: str) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    failing_sync(newest(tmp_path / "0"))

    if step == "the end of a file":
        partition.finish()
    else:
        with pytest.raises(JournalUnavailable):
            partition.probe() if step == "a probe" else partition.write(event_lines(2, 4))
    partition.write(event_lines(2, 4))

    assert files.listing(tmp_path / "0") == [0, 2]
    assert read_all(tmp_path / "0") == Read(event_lines(0, 4), 0, 4)
    partition.close()


def test_the_numbers_of_an_unsynced_chunk_are_reused_and_it_is_never_read(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    file = newest(tmp_path / "0")
    reader = Reader(tmp_path / "0")
    found = reader.read(Position(0))
    assert found
    failing_sync(file)
    with pytest.raises(JournalUnavailable):
        partition.write(event_lines(100, 105))
    put_in_doubt(file, 2, event_lines(100, 105))

    meanwhile = reader.read(found.end), reader.newest(), reader.accepts(Position(3))
    partition.write(event_lines(2, 3))

    assert meanwhile == (None, 2, False)
    assert read_all(tmp_path / "0", 2) == Read(event_lines(2, 3), 0, 3)
    assert reader.accepts(found.end)
    partition.close()


def test_an_unsynced_chunk_is_not_read_after_the_next_recovery(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    file = newest(tmp_path / "0")
    failing_sync(file)
    with pytest.raises(JournalUnavailable):
        partition.write(event_lines(100, 105))
    put_in_doubt(file, 2, event_lines(100, 105))
    partition.write(event_lines(2, 3))
    found = crashed(tmp_path / "0", tmp_path / "copy")

    for _ in range(2):
        open_partition(found).close()

    assert read_all(found) == Read(event_lines(0, 3), 0, 3)
    partition.close()


def test_after_a_kill_an_unsynced_chunk_exists_or_not_and_its_numbers_are_unique(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    found = crashed(tmp_path / "0", tmp_path / "copy")
    put_in_doubt(newest(found), 2, event_lines(2, 5))

    successor = open_partition(found)
    successor.write(event_lines(5, 6))

    assert read_all(found) == Read(event_lines(0, 6), 0, 6)
    partition.close()
    successor.close()


def test_an_empty_file_that_failed_is_recreated(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    reader = Reader(tmp_path / "0")
    assert reader.read(Position(0)) is None
    failing_sync(newest(tmp_path / "0"))

    with pytest.raises(JournalUnavailable):
        partition.write(event_lines(100, 102))
    partition.write(event_lines(0, 2))

    assert files.listing(tmp_path / "0") == [0]
    found = reader.read(Position(0))
    assert found
    assert [each.lines() for each in found.chunks] == [event_lines(0, 2)]
    partition.close()


def test_a_file_size_limit_costs_no_acknowledged_event(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.journal.size_limited", str(tmp_path / "0")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )

    told = json.loads(done.stdout)
    read = read_all(tmp_path / "0")
    assert len(told["refusals"]) == 1
    assert [json.loads(line)["messageId"] for line in read.lines] == [f"m{n}" for n in told["acknowledged"]]
    assert read.lost == 0


def test_nothing_is_acknowledged_until_the_folder_can_be_created(tmp_path: Path) -> None:
    obstacle = tmp_path / "journal"
    partition = open_partition(obstacle / "0")
    partition.write(event_lines(0, 2))
    obstacle.rename(tmp_path / "elsewhere")
    obstacle.touch()

    with pytest.raises(JournalUnavailable, match="Not a directory"):
        partition.write(event_lines(2, 4))
    obstacle.unlink()
    partition.write(event_lines(2, 4))

    assert read_all(obstacle / "0", 2) == Read(event_lines(2, 4), 0, 4)
    partition.close()
