"""The journal's files: their names, their sizes, and who may open them."""

import os
from pathlib import Path

import apsw
import pytest

from gateway.journal import files
from tests.build import event_lines, keep, open_shard, read_all


def test_shards_are_the_folders_that_have_numbers_for_names(tmp_path: Path) -> None:
    for name in ("0", "1", "10", "quarantine", "1a", ".hidden"):
        (tmp_path / name).mkdir()

    assert sorted(files.shards(tmp_path)) == sorted(tmp_path / name for name in ("0", "1", "10"))


def test_a_journal_that_is_not_there_has_no_shards_and_no_size(tmp_path: Path) -> None:
    assert files.shards(tmp_path / "none") == []
    assert files.total_size(tmp_path / "none") == 0


def test_the_files_of_a_shard_come_in_the_order_of_their_events(tmp_path: Path) -> None:
    for first in (30, 4, 100):
        (tmp_path / f"{first:020d}.db").touch()

    assert [file.first for file in files.files(tmp_path)] == [4, 30, 100]


def test_only_the_journals_own_files_count(tmp_path: Path) -> None:
    for name in ("LOCK", f"{3:020d}.db-wal", f"{3:020d}.db-shm", "copy.db", f"{3:020d}.db.bak"):
        (tmp_path / name).touch()

    assert files.files(tmp_path) == []


def test_the_log_counts_for_the_size(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 3))
    [file] = files.files(tmp_path / "0")

    on_disk = sum(Path(f"{file.path}{suffix}").stat().st_size for suffix in ("", "-wal"))

    assert file.log_size() > 0
    assert file.size() == files.total_size(tmp_path) == on_disk


def test_a_file_that_vanished_has_no_size_and_no_time(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 3))

    file.delete()
    file.delete()

    assert (file.size(), file.log_size(), file.changed()) == (0, 0, 0.0)
    assert list((tmp_path / "0").iterdir()) == []


def test_what_is_written_to_the_log_is_a_change(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 3))
    [file] = files.files(tmp_path / "0")
    os.utime(file.path, (0, 0))
    os.utime(f"{file.path}-wal", (1000, 1000))

    assert file.changed() == 1000


def test_to_read_a_finished_file_is_no_change(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 3))
    os.utime(file.path, (0, 0))

    read_all(tmp_path / "0")

    assert file.changed() == 0


def test_a_reader_can_change_nothing(tmp_path: Path) -> None:
    reading = files.open_for_reading(keep(tmp_path / "0", event_lines(0, 3)).path)

    with pytest.raises(apsw.ReadOnlyError):
        reading.execute("DELETE FROM chunks")

    reading.close()


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        files.open_for_reading(tmp_path / "none.db")

    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_moves_nothing_out_of_the_log(tmp_path: Path) -> None:
    live = open_shard(tmp_path / "0")
    live.write(event_lines(0, 3))
    [file] = files.files(tmp_path / "0")
    before = file.log_size()

    read_all(tmp_path / "0")

    assert file.log_size() == before > 0


@pytest.mark.parametrize("name", ["a b", "50%", "what?", "no#1", "100%25", "é", "mode=rw&x"])
def test_a_journal_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    keep(tmp_path / name / "0", event_lines(0, 3))

    assert read_all(tmp_path / name / "0").lines == event_lines(0, 3)


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    owner = files.lock(tmp_path)

    with pytest.raises(BlockingIOError):
        files.lock(tmp_path)

    owner.close()
    files.lock(tmp_path).close()


def test_folders_are_made_with_their_parents_and_may_be_there(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "a/b/c")
    files.make_folder(tmp_path / "a/b/c")

    assert (tmp_path / "a/b/c").is_dir()


def test_a_folder_cannot_be_made_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotADirectoryError):
        files.make_folder(tmp_path / "file/journal")


def test_a_file_that_could_not_be_made_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(apsw.Error):
        files.create(tmp_path / "none", 0, 0, 0)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
