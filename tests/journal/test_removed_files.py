"""A file removed while it is written is noticed, and its content is restored."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.files import START
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.reader import Reader
from tests.build import Read, event_lines, keep, open_partition, read_all, read_to_end
from tests.gateway import until
from tests.journal.breaking import crashed, deleted


def active(folder: Path) -> Path:
    return folder / files.name(files.listing(folder)[-1])


def unlink(folder: Path) -> None:
    active(folder).unlink()


def rename(folder: Path) -> None:
    active(folder).rename(folder.parent / "elsewhere")


def rename_beside(folder: Path) -> None:
    active(folder).rename(active(folder).with_suffix(".1"))


def replace(folder: Path) -> None:
    """Rename the file and create an empty one, as logrotate with `create` does."""
    path = active(folder)
    path.rename(path.with_suffix(".1"))
    path.touch()


def exchange(folder: Path) -> None:
    """Replace the file by a copy, as an editor or a restored backup does."""
    path = active(folder)
    copy = shutil.copy(path, path.with_suffix(".new"))
    Path(copy).replace(path)


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def remove_journal(folder: Path) -> None:
    shutil.rmtree(folder.parent)


def move_folder(folder: Path) -> None:
    folder.rename(folder.parent.parent / "elsewhere")


WAYS = [unlink, rename, rename_beside, replace, exchange, remove_folder, remove_journal, move_folder]

NOTICED: dict[str, Callable[[Partition], None]] = {
    "the next look": lambda partition: partition.check(),
    "the next write": lambda _: None,
    "the next probe": lambda partition: partition.probe(),
}


@pytest.mark.parametrize("notice", list(NOTICED))
@pytest.mark.parametrize("way", WAYS)
def test_no_acknowledged_event_of_a_removed_file_is_lost(
    tmp_path: Path, way: Callable[[Path], None], notice: str
) -> None:
    folder = tmp_path / "journal/0"
    partition = open_partition(folder)
    partition.write(event_lines(0, 3))
    partition.write(event_lines(3, 5))

    way(folder)
    NOTICED[notice](partition)
    partition.write(event_lines(5, 6))

    assert read_all(folder) == Read(event_lines(0, 6), 0, 6)
    until(lambda: not deleted(folder))
    assert files.listing(folder) == [0, 5]
    partition.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_check_alone_restores_a_removed_file(tmp_path: Path, way: Callable[[Path], None]) -> None:
    folder = tmp_path / "journal/0"
    partition = open_partition(folder)
    partition.write(event_lines(0, 3))

    way(folder)
    partition.check()
    found = crashed(folder, tmp_path / "copy")
    open_partition(found).close()

    assert read_all(found) == Read(event_lines(0, 3), 0, 3)
    partition.close()


@pytest.mark.parametrize("way", WAYS)
def test_readers_continue_at_their_position_after_a_rescue(
    tmp_path: Path, way: Callable[[Path], None]
) -> None:
    folder = tmp_path / "journal/0"
    partition = open_partition(folder)
    partition.write(event_lines(0, 3))
    partition.write(event_lines(3, 5))
    reader = Reader(folder)
    found = reader.read(Position(0), limit=1)
    assert found

    way(folder)
    meanwhile = read_to_end(reader, found.end)
    partition.write(event_lines(5, 6))

    assert meanwhile in (Read(event_lines(3, 5), 0, 5), Read([], 0, 3))  # which exists or is about to
    assert read_to_end(reader, found.end) == Read(event_lines(3, 6), 0, 6)
    assert read_to_end(reader, Position(5, found.end.epoch)) == Read(event_lines(5, 6), 0, 6)
    partition.close()


def test_a_file_that_is_in_place_is_not_changed(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 3))

    for _ in range(3):
        partition.check()
    partition.write(event_lines(3, 5))

    assert files.listing(tmp_path / "0") == [0]
    partition.close()


def test_a_file_that_replaced_a_journal_file_is_set_aside(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 3))
    path = active(tmp_path / "0")
    path.unlink()
    path.write_bytes(b"mine")

    partition.check()

    [kept] = (tmp_path / "quarantine").iterdir()
    assert kept.read_bytes() == b"mine"
    assert read_all(tmp_path / "0") == Read(event_lines(0, 3), 0, 3)
    partition.close()


@pytest.mark.parametrize("left", [0, 100, 4096, 4500])
def test_truncated_events_are_counted_and_the_others_are_read(tmp_path: Path, left: int) -> None:
    partition = open_partition(tmp_path / "0", largest=START)
    partition.write(event_lines(0, 1))
    partition.write(event_lines(1, 5))
    found = Reader(tmp_path / "0").read(Position(0))
    assert found

    os.truncate(active(tmp_path / "0"), left)
    partition.write(event_lines(5, 6))

    kept = 1 if left == 4500 else 0
    assert read_all(tmp_path / "0") == Read(event_lines(0, kept) + event_lines(5, 6), 5 - kept, 6)
    assert files.listing(tmp_path / "0") == [0, 5]
    assert Reader(tmp_path / "0").accepts(found.end)
    assert not Reader(tmp_path / "0").accepts(Position(3, found.end.epoch + 1))
    partition.close()


def test_the_events_of_a_removed_finished_file_are_counted(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    gone = keep(tmp_path / "0", event_lines(2, 5))
    partition = open_partition(tmp_path / "0")

    gone.unlink()
    partition.write(event_lines(5, 6))

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2) + event_lines(5, 6), 3, 6)
    partition.close()
