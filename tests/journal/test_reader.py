"""Reading a partition from any position: damage costs only its own events, and each is counted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal import chunk
from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.files import START, Header
from gateway.journal.segments.reader import Reader
from tests.build import (
    JOURNAL,
    Read,
    event_lines,
    keep,
    open_log,
    read_all,
    read_to_end,
)
from tests.journal.breaking import flip, make_file, truncate, zero


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_damaged_chunk_costs_only_its_own_events_and_is_quarantined(tmp_path: Path, number: int) -> None:
    lines = event_lines(0, 5)
    file = keep(tmp_path / "0", *([line] for line in lines))
    flip(file, b'"m%d"' % number)

    read = read_all(tmp_path / "0")

    [kept] = (tmp_path / "quarantine").iterdir()
    assert read == Read([line for line in lines if line != lines[number]], 1, 5)
    assert len(kept.read_bytes()) == 48 + len(lines[number]) + 1
    assert lines[number][80:] in kept.read_bytes()


def test_only_requested_events_of_a_damaged_chunk_are_counted(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 3), event_lines(3, 4))
    flip(file, b'"m1"')

    assert read_all(tmp_path / "0", 1) == Read(event_lines(3, 4), 2, 4)


def test_damage_is_quarantined_once_and_only_on_request(tmp_path: Path) -> None:
    flip(keep(tmp_path / "0", event_lines(0, 3)), b'"m1"')
    log = open_log(tmp_path)

    read_to_end(log.reader("0"), Position(0))
    before = (tmp_path / "quarantine").exists()
    for _ in range(2):
        read_to_end(log.reader("0", quarantine=True), Position(0))

    assert not before
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


@pytest.mark.parametrize(
    "damage",
    [
        zero,
        lambda file: truncate(file, 100),
        lambda file: truncate(file, START),
        lambda file: truncate(file, 0),
        Path.unlink,
    ],
)
def test_a_destroyed_finished_file_affects_no_other(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    file = keep(tmp_path / "0", event_lines(2, 5))
    keep(tmp_path / "0", event_lines(5, 6))

    damage(file)

    assert read_all(tmp_path / "0") == Read(event_lines(0, 2) + event_lines(5, 6), 3, 6)


def test_events_deleted_before_they_were_read_are_counted_as_released(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 3))
    keep(tmp_path / "0", event_lines(3, 5))
    gone.unlink()
    reader = Reader(tmp_path / "0")

    found = reader.read(Position(1, 7))

    assert found
    assert (found.chunks, found.end.number, found.released, found.damaged) == ([], 3, 2, 0)
    assert read_to_end(reader, found.end) == Read(event_lines(3, 5), 0, 5)


def test_at_a_file_boundary_the_epoch_of_the_event_before_is_checked(tmp_path: Path) -> None:
    epochs = []
    for start in (0, 2, 4):
        keep(tmp_path / "0", event_lines(start, start + 2))
        found = Reader(tmp_path / "0").read(Position(start))
        assert found
        epochs.append(found.end.epoch)
    first, second, third = epochs
    reader = Reader(tmp_path / "0")

    known = {
        number: [epoch for epoch in (first, second, third, 7) if reader.accepts(Position(number, epoch))]
        for number in range(1, 7)
    }

    assert known[1] == [first]
    assert known[2][0] == first
    assert third not in known[2]
    assert 7 not in known[2]
    assert known[3] == [second]
    assert known[4][0] == second
    assert first not in known[4]
    assert known[5] == [third]
    assert known[6] == [third]


def test_a_hundred_thousand_chunks_of_one_event_are_read_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    for first in (0, 60_000):
        lines = ([b'{"n":%d}' % number] for number in range(first, min(first + 60_000, 100_000)))
        make_file(tmp_path / "0" / files.name(first), Header(JOURNAL, 0, 7, first, 0), *lines)
    reader = Reader(tmp_path / "0")

    for number in (99_999, 50_000, 0):
        read = read_to_end(reader, Position(number))
        assert read.lines[0] == b'{"n":%d}' % number
        assert (len(read.lines), read.lost, read.end) == (100_000 - number, 0, 100_000)


def test_few_bytes_are_read_on_the_way_to_a_position(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    chunks = ([b"%d%b" % (number, bytes(1000))] for number in range(20_000))
    make_file(tmp_path / "0" / files.name(0), Header(JOURNAL, 0, 7, 0, 0), *chunks)
    reader = Reader(tmp_path / "0")

    before = bytes_read()
    found = [reader.read(Position(number), limit=1) for number in (19_000, 7_777, 15_000, 3)]
    after = bytes_read()

    assert [each.chunks[0].first for each in found if each] == [19_000, 7_777, 15_000, 3]
    assert after - before < 4 * 1024**2


def test_a_damaged_header_on_the_way_costs_no_other_event(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    file = tmp_path / "0" / files.name(0)
    make_file(file, Header(JOURNAL, 0, 7, 0, 0), *([b"%d%b" % (n, bytes(1000))] for n in range(3000)))
    content = bytearray(file.read_bytes())
    middle = content.find(chunk.MAGIC, (START + len(content)) // 2)  # where a search begins
    header = chunk.parse_header(bytes(content), middle)
    assert header
    content[middle + 17] ^= 4  # in the number, which is now smaller by 1024
    file.write_bytes(content)
    reader = Reader(tmp_path / "0")

    found = [reader.read(Position(header.first + step), limit=1) for step in (-5, 0, 5)]

    numbers = [each.chunks[0].first if each.chunks else each.damaged for each in found if each]
    assert numbers == [header.first - 5, 1, header.first + 5]


def bytes_read() -> int:
    """Return the bytes that this process has read from files."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def test_seeking_a_time_works_after_the_clock_was_set_back(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4))
    reader = Reader(tmp_path / "0")

    assert (reader.seek(-1e9), reader.seek(0), reader.seek(1e12)) == (0, 0, 4)
