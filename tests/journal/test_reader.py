"""Reading a shard from any position on: damage costs its own events, and each of them is counted."""

import random
from pathlib import Path

import apsw
import pytest

from gateway.journal import files
from gateway.journal.reader import Passage, Reader
from tests.build import Read, event_line, event_lines, keep, open_shard, read_all
from tests.journal.breaking import ONE_A_PAGE, cut, flip, spoil_page, zero


def wide(number: int) -> bytes:
    """An event that shares no page of its file with others."""
    return event_line(number, event=f"E{number}", properties={"filler": "x" * ONE_A_PAGE})


def test_nothing_yet_is_none(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()

    reader = Reader(tmp_path / "0")

    assert reader.read(0) is None
    assert (reader.oldest(), reader.newest(), reader.taken()) == (0, 0, 0)
    assert reader.waiting_since(0) is None


def test_a_file_without_events_is_none(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0")
    shard.write([])

    reader = Reader(tmp_path / "0")

    assert reader.read(0) is None
    assert (reader.newest(), reader.taken()) == (0, 0)
    reader.close()


def test_a_file_that_is_just_being_made_is_none(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / f"{0:020d}.db").touch()

    assert Reader(tmp_path / "0").read(0) is None


@pytest.mark.parametrize("position", range(8))
def test_a_position_may_lie_anywhere(tmp_path: Path, position: int) -> None:
    keep(tmp_path / "0", event_lines(0, 3), event_lines(3, 5))
    keep(tmp_path / "0", event_lines(5, 7))

    assert read_all(tmp_path / "0", position) == Read(event_lines(position, 7), 0, max(position, 7))


def test_what_is_written_meanwhile_is_found_by_the_next_look(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "0", seal_at=0)
    reader = Reader(tmp_path / "0")
    found = []

    for number in range(3):
        shard.write([event_line(number)])
        shard.tidy()
        found.append(reader.read(number))

    assert [passage and passage.lines for passage in found] == [event_lines(n, n + 1) for n in range(3)]
    reader.close()


def test_a_file_that_was_made_again_is_read_anew(tmp_path: Path) -> None:
    first = open_shard(tmp_path / "0")
    first.write([])
    reader = Reader(tmp_path / "0")
    before = reader.read(0)
    first.finish()  # and with it goes the file, since it has no events

    keep(tmp_path / "0", event_lines(0, 3))

    after = reader.read(0)
    assert (before, after and after.lines) == (None, event_lines(0, 3))
    reader.close()


def test_a_passage_has_an_end_though_a_chunk_is_never_divided(tmp_path: Path) -> None:
    large = [event_line(number, properties={"filler": "x" * 700_000}) for number in range(6)]
    keep(tmp_path / "0", large[:3], large[3:4], large[4:])

    reader = Reader(tmp_path / "0")
    first, rest = reader.read(0), reader.read(3)

    assert first
    assert (first.lines, first.end) == (large[:3], 3)
    assert rest
    assert (rest.lines, rest.end) == (large[3:], 6)
    reader.close()


def test_a_passage_says_when_it_was_committed(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 1), event_lines(1, 2))
    connection = files.open_for_writing(file.path)
    connection.execute("UPDATE chunks SET received_at = 1000 + id")
    connection.close()

    reader = Reader(tmp_path / "0")

    assert [reader.waiting_since(position) for position in (0, 1, 2)] == [1000, 1001, None]
    reader.close()


def test_what_is_no_longer_kept_is_lost_to_whoever_comes_too_late(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "0", event_lines(3, 5))
    gone.delete()

    reader = Reader(tmp_path / "0")

    assert reader.read(1) == Passage([], 3, lost=2)
    assert (reader.oldest(), reader.newest(), reader.taken()) == (3, 5, 5)
    assert read_all(tmp_path / "0", 1) == Read(event_lines(3, 5), 2, 5)
    reader.close()


def test_a_file_missing_in_the_middle_costs_its_own_events(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    gone = keep(tmp_path / "0", event_lines(2, 5))
    keep(tmp_path / "0", event_lines(5, 6))
    gone.delete()

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2) + event_lines(5, 6), 3, 6)


def test_a_damaged_row_costs_its_own_events_and_is_kept_to_be_looked_at(tmp_path: Path) -> None:
    damaged = [event_line(2, event="Damaged"), event_line(3)]
    file = keep(tmp_path / "0", event_lines(0, 2), damaged, event_lines(4, 6))
    flip(file.path, b"Damaged")

    read = read_all(tmp_path / "0")

    [kept] = (tmp_path / "quarantine").iterdir()
    assert read == Read(event_lines(0, 2) + event_lines(4, 6), 2, 6)
    assert kept.read_bytes().endswith(event_line(3))


def test_of_a_damaged_row_only_what_is_still_wanted_counts(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", [event_line(0), event_line(1, event="Damaged"), event_line(2)])
    flip(file.path, b"Damaged")

    assert read_all(tmp_path / "0", 1).lost == 2


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_damaged_page_of_a_finished_file_costs_its_own_events(tmp_path: Path, number: int) -> None:
    lines = [wide(each) for each in range(5)]
    file = keep(tmp_path / "0", *([line] for line in lines))
    keep(tmp_path / "0", event_lines(5, 6))
    spoil_page(file.path, f'"E{number}"'.encode())

    read = read_all(tmp_path / "0")

    left = [line for line in lines if line != lines[number]]
    assert read == Read([*left, event_line(5)], 1, 6)


@pytest.mark.parametrize(
    "damage", [zero, lambda file: cut(file, 100), lambda file: cut(file, 0), Path.unlink]
)
def test_a_finished_file_that_is_ruined_costs_no_other(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    keep(tmp_path / "0", event_lines(0, 2))
    file = keep(tmp_path / "0", event_lines(2, 5))
    keep(tmp_path / "0", event_lines(5, 6))
    damage(file.path)

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2) + event_lines(5, 6), 3, 6)


def test_the_newest_file_is_not_given_up(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 3))
    whole = file.path.read_bytes()
    zero(file.path)
    reader = Reader(tmp_path / "0")

    with pytest.raises(apsw.Error):
        reader.read(0)
    file.path.write_bytes(whole)
    passage = reader.read(0)

    assert passage
    assert (passage.lines, passage.lost) == (event_lines(0, 3), 0)
    reader.close()


def test_the_newest_event_is_looked_for_in_what_can_be_read(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3))
    zero(keep(tmp_path / "0", event_lines(3, 5)).path)

    reader = Reader(tmp_path / "0")

    assert (reader.newest(), reader.taken()) == (3, 3)
    reader.close()


def test_wherever_a_bit_flips_no_event_of_another_file_is_lost_and_none_is_made_up(
    tmp_path: Path, chance: random.Random
) -> None:
    lines = event_lines(0, 40)
    file = keep(tmp_path / "0", *(lines[start : start + 4] for start in range(0, 20, 4)))
    keep(tmp_path / "0", lines[20:])
    whole = file.path.read_bytes()
    used = [place for place, byte in enumerate(whole) if byte]

    for place in chance.sample(used, 150):
        content = bytearray(whole)
        content[place] ^= 1 << chance.randrange(8)
        file.path.write_bytes(content)
        read = read_all(tmp_path / "0")
        found = [line for line in lines if line in read.lines]
        assert (read.lines, read.end) == (found, 40), place
        assert found[-20:] == lines[20:], place
        assert len(read.lines) + read.lost == 40, place
