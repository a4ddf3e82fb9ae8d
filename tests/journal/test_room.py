"""The journal's size has an end: new events are refused before it, and there is a way back."""

from pathlib import Path

import pytest

from gateway.delivery.trim import trim
from gateway.errors import JournalUnavailable
from gateway.journal import files, room
from gateway.journal.positions import Positions, Tally
from gateway.journal.room import Room
from gateway.journal.shard import Shard
from tests.build import event_line, event_lines, keep, open_shard, read_all

SMALL = 1024 * 1024
CHUNK = [event_line(properties={"filler": "x" * 50_000})]


def fill(shard: Shard) -> int:
    """Write until there is no more room, and return how many events were taken."""
    for taken in range(1000):
        try:
            shard.write(CHUNK)
        except JournalUnavailable:
            return taken
    raise AssertionError("it never was full")


def deliver_and_trim(journal: Path, max_size: int) -> None:
    """What delivery does once its only sink has everything."""
    positions = Positions.open(journal.parent / "state.db")
    for shard in files.shards(journal):
        positions.record("sink", shard.name, read_all(shard).end, Tally())
    trim(journal, 0, max_size, ["sink"], positions)
    positions.close()


def test_what_fits_is_taken_and_what_does_not_is_refused(tmp_path: Path) -> None:
    journal = Room(tmp_path, 1000)

    journal.take(600)
    with pytest.raises(JournalUnavailable, match="full"):
        journal.take(401)
    journal.take(400)


def test_the_room_is_that_of_all_shards_together(tmp_path: Path) -> None:
    first, second = keep(tmp_path / "0", event_lines(0, 10)), keep(tmp_path / "1", event_lines(0, 10))

    left = room.left(tmp_path, 10 * SMALL)

    assert left == 10 * SMALL - first.size() - second.size()


def test_the_disk_may_have_less_room_than_the_journal_might_take(tmp_path: Path) -> None:
    assert room.left(tmp_path, 2**62) < 2**62


def test_a_full_journal_refuses_even_a_probe(tmp_path: Path) -> None:
    keep(tmp_path / "0", CHUNK)

    with pytest.raises(JournalUnavailable, match="full"):
        Room(tmp_path, 1).take(0)


def test_a_full_journal_refuses_events_and_keeps_what_it_has(tmp_path: Path) -> None:
    taken = fill(open_shard(tmp_path / "journal/0", max_size=SMALL))

    read = read_all(tmp_path / "journal/0")

    assert (read.lines, read.lost) == (CHUNK * taken, 0)
    assert taken > 5


def test_a_full_journal_takes_events_again_once_they_were_delivered(tmp_path: Path) -> None:
    shard = open_shard(tmp_path / "journal/0", max_size=SMALL)
    taken = fill(shard)

    deliver_and_trim(tmp_path / "journal", SMALL)
    shard.room = Room(tmp_path / "journal", SMALL)  # looks anew, as it does after a moment
    shard.write([event_line(taken)])

    assert read_all(tmp_path / "journal/0", taken).lines == [event_line(taken)]


def test_a_full_journal_takes_events_again_after_a_restart(tmp_path: Path) -> None:
    before = open_shard(tmp_path / "journal/0", max_size=SMALL)
    taken = fill(before)
    before.finish()

    shard = open_shard(tmp_path / "journal/0", max_size=SMALL)
    with pytest.raises(JournalUnavailable):
        shard.write([event_line(taken)])
    deliver_and_trim(tmp_path / "journal", SMALL)
    shard.room = Room(tmp_path / "journal", SMALL)
    shard.write([event_line(taken)])

    assert read_all(tmp_path / "journal/0", taken).lines == [event_line(taken)]


def test_a_former_workers_shard_does_not_keep_a_full_journal_full(tmp_path: Path) -> None:
    former = open_shard(tmp_path / "journal/1", max_size=SMALL)
    fill(former)
    former.finish()

    shard = open_shard(tmp_path / "journal/0", max_size=SMALL)
    deliver_and_trim(tmp_path / "journal", SMALL)
    shard.write([event_line()])

    assert read_all(tmp_path / "journal/0").lines == [event_line()]
