"""Files of which only the name was made, and damaged ones that could be taken for such."""

from pathlib import Path

import pytest

from gateway.delivery.trim import trim
from gateway.errors import JournalUnavailable
from gateway.journal import files
from gateway.journal.positions import Positions, Tally
from gateway.journal.reader import Reader
from gateway.journal.shard import Shard
from tests.build import event_line, event_lines, keep, open_shard, read_all
from tests.journal.breaking import cut, failing_sync, zero


def fail_to_make(shard: Shard, first: int) -> None:
    """Let the shard make no more of its next file than the name."""
    obstacle = shard.folder / f"{first:020d}.db-wal"
    obstacle.mkdir()
    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(first, first + 2))
    obstacle.rmdir()


def path(folder: Path, place: int) -> Path:
    return files.files(folder)[place].path


@pytest.mark.parametrize("before", [0, 2], ids=["first files", "files after others"])
def test_they_count_for_nothing(tmp_path: Path, before: int) -> None:
    shard = open_shard(tmp_path / "0")
    if before:
        shard.write(event_lines(0, before))
        shard.finish()
    reader = Reader(tmp_path / "0")

    fail_to_make(shard, before)
    fail_to_make(shard, before + 2)
    nothing_yet = reader.read(before), reader.pending(before), reader.taken()
    shard.write(event_lines(before + 4, before + 5))

    assert nothing_yet == (None, 0, before)
    assert [reader.pending(position) for position in range(before, before + 6)] == [1, 1, 1, 1, 1, 0]
    assert (reader.pending(0), reader.taken()) == (before + 1, before + 1)
    found = read_all(tmp_path / "0")
    lines = event_lines(0, before) + event_lines(before + 4, before + 5)
    assert (found.lines, found.lost, found.end) == (lines, 0, before + 5)


def test_a_damaged_file_after_one_is_pending_until_it_is_passed(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    shard.finish()
    fail_to_make(shard, 2)
    shard.write(event_lines(4, 6))
    shard.finish()
    shard.write(event_lines(6, 7))
    zero(path(tmp_path / "0", 2))

    reader = Reader(tmp_path / "0")

    assert (reader.pending(2), reader.acknowledged(2)) == (3, 2)


@pytest.mark.parametrize("damage", [zero, lambda file: cut(file, 0)], ids=["zeroed", "cut to nothing"])
def test_what_two_damaged_files_lose_is_counted_once(tmp_path: Path, damage: object) -> None:
    for start, end in ((0, 2), (2, 5), (5, 6)):
        keep(tmp_path / "0", event_lines(start, end))
    assert callable(damage)

    damage(path(tmp_path / "0", 0))
    cut(path(tmp_path / "0", 1), 0)

    found = read_all(tmp_path / "0")
    assert (found.lines, found.lost) == (event_lines(5, 6), 5)


def test_a_header_that_is_damaged_gives_no_numbers_to_others(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "0", event_lines(3, 8))
    content = bytearray(path(tmp_path / "0", 1).read_bytes())
    content[47] ^= 1  # of the schema's format: no table can be found any more, though all are there
    path(tmp_path / "0", 1).write_bytes(content)

    shard = open_shard(tmp_path / "0")
    new = [event_line(number) for number in range(100, 104)]
    for line in new:
        shard.write([line])

    assert read_all(tmp_path / "0", 8).lines == new


def test_a_file_whose_notes_are_damaged_is_read_all_the_same(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write(event_lines(0, 2))
    failing_sync(Path(f"{path(tmp_path / '0', 0)}-wal"))
    with pytest.raises(JournalUnavailable):
        shard.write(event_lines(2, 4))
    shard.write(event_lines(4, 6))
    shard.finish()

    last = path(tmp_path / "0", 1)
    last.write_bytes(last.read_bytes().replace(b"follows INTEGER", b"fkllows INTEGER", 1))

    assert read_all(tmp_path / "0").lines == event_lines(0, 2) + event_lines(4, 6)


def test_the_last_file_that_says_how_far_the_shard_has_counted_is_not_trimmed(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "journal/0")
    fail_to_make(shard, 0)
    shard.write(event_lines(2, 6))
    shard.finish()
    fail_to_make(shard, 6)
    positions = Positions.open(tmp_path / "state.db")
    positions.record("sink", "0", 6, Tally())

    trim(tmp_path / "journal", 0, 0, ["sink"], positions)
    positions.close()

    assert [file.first for file in files.files(tmp_path / "journal/0")] == [2, 6]
    assert Reader(tmp_path / "journal/0").taken() == 4
