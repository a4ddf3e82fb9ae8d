"""Reading during appends and deletions: each event once, in order, and only durable events."""

import random
import threading
from pathlib import Path

import pytest

from gateway.journal.base import Position
from gateway.journal.segments import files
from gateway.journal.segments.files import START
from gateway.journal.segments.reader import Reader
from tests.build import (
    Read,
    event_line,
    event_lines,
    keep,
    open_log,
    open_partition,
    read_all,
    read_to_end,
)
from tests.journal.breaking import deleted, overwrite, put_in_doubt, zero


def test_events_not_recorded_as_durable_are_not_read(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    reader = Reader(tmp_path / "0")

    put_in_doubt(tmp_path / "0" / files.name(0), 2, event_lines(2, 4))

    assert read_to_end(reader, Position(0)) == Read(event_lines(0, 2), 0, 2)
    assert (reader.newest(), reader.accepts(Position(3)), reader.seek(2**33)) == (2, False, 2)
    partition.close()


def test_a_file_with_a_damaged_end_record_is_read_once_its_writer_renews_it(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    reader = Reader(tmp_path / "0")
    part = reader.read(Position(0))
    assert part
    overwrite(tmp_path / "0" / files.name(0), 512, b"\xff" * 24)

    meanwhile = reader.read(part.end), reader.accepts(part.end)
    partition.write(event_lines(2, 3))

    assert meanwhile == (None, True)
    assert read_to_end(reader, part.end) == Read(event_lines(2, 3), 0, 3)
    partition.close()


def test_a_file_with_damaged_headers_is_read_while_it_is_written(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", largest=START + 2000)
    partition.write(event_lines(0, 2))
    known = Reader(tmp_path / "0").read(Position(0))
    assert known
    [file] = (tmp_path / "0").iterdir()
    zero(file, 0, 512)
    zero(file, 2048, START)
    reader = Reader(tmp_path / "0")

    for number in range(2, 20):
        partition.write([event_line(number)])
        partition.roll_if_due()

        assert read_to_end(reader, known.end) == Read(event_lines(2, number + 1), 0, number + 1)
    partition.close()


def test_a_file_deleted_while_being_read_is_read_to_its_end(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4))
    keep(tmp_path / "0", event_lines(4, 6))
    reader = Reader(tmp_path / "0")
    part = reader.read(Position(0), limit=1)
    assert part

    file.unlink()

    assert read_to_end(reader, part.end) == Read(event_lines(2, 6), 0, 6)


def test_a_deleted_file_is_closed_once_it_has_been_read(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 4))
    open_partition(tmp_path / "0").close()
    reader = Reader(tmp_path / "0")
    part = reader.read(Position(0))
    assert part
    read_to_end(reader, part.end)
    before = deleted(tmp_path / "0")

    open_log(tmp_path).release({"0": 4}, 2**40)
    waiting = reader.read(Position(4))

    assert (before, waiting, deleted(tmp_path / "0")) == ([], None, [])
    assert reader.oldest() == 4


def test_a_recreated_file_is_read_from_its_start(tmp_path: Path) -> None:
    open_partition(tmp_path / "0").close()
    reader = Reader(tmp_path / "0")
    before = reader.read(Position(0))

    keep(tmp_path / "0", event_lines(0, 3))

    assert before is None
    assert read_to_end(reader, Position(0)) == Read(event_lines(0, 3), 0, 3)


def test_a_chunk_whose_sync_failed_is_never_read(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    file = tmp_path / "0" / files.name(0)
    reader = Reader(tmp_path / "0")
    part = reader.read(Position(0))
    assert part
    partition._abandon()
    put_in_doubt(file, 2, event_lines(100, 105))

    meanwhile = reader.read(part.end)
    partition.write(event_lines(2, 3))

    assert meanwhile is None
    assert read_to_end(reader, part.end) == Read(event_lines(2, 3), 0, 3)
    assert read_all(tmp_path / "0") == Read(event_lines(0, 3), 0, 3)
    partition.close()


@pytest.mark.parametrize("name", ["a folder", "a file of another partition", "a copy of a file"])
def test_a_foreign_file_with_the_name_of_a_later_file_is_not_read(tmp_path: Path, name: str) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    foreign = keep(tmp_path / "1", event_lines(50, 60))
    reader = Reader(tmp_path / "0")
    part = reader.read(Position(0))
    assert part
    obstacle = tmp_path / "0" / files.name(9)

    if name == "a folder":
        obstacle.mkdir()
    elif name == "a copy of a file":
        obstacle.write_bytes((tmp_path / "0" / files.name(0)).read_bytes())
    else:
        obstacle.write_bytes(foreign.read_bytes())
    meanwhile = reader.read(part.end)
    partition.write(event_lines(2, 3))

    assert meanwhile is None
    assert read_to_end(reader, part.end) == Read(event_lines(2, 3), 0, 3)
    partition.close()


def test_concurrent_reading_rolling_and_deletion_lose_no_event(tmp_path: Path, chance: random.Random) -> None:
    folder, total = tmp_path / "0", 2000
    partition = open_partition(folder, largest=START + 3000)
    positions = [Position(0)] * 3
    found: list[list[bytes]] = [[], [], []]
    troubles: list[Exception] = []

    def follow(place: int) -> None:
        reader = Reader(folder)
        try:
            while positions[place].number < total:
                if part := reader.read(positions[place]):
                    assert part.damaged + part.released == 0
                    found[place] += [line for each in part.chunks for line in each.lines()]
                    assert reader.accepts(part.end)
                    positions[place] = part.end
        except Exception as trouble:
            troubles.append(trouble)
        reader.close()

    threads = [threading.Thread(target=follow, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    number = 0
    while number < total:
        count = min(chance.randrange(1, 6), total - number)
        partition.write([b'{"n":%d}' % each for each in range(number, number + count)])
        partition.roll_if_due()
        number += count
        open_log(tmp_path).release({"0": min(each.number for each in positions)}, 2**40)
    for thread in threads:
        thread.join()
    partition.close()

    assert troubles == []
    assert found == [[b'{"n":%d}' % each for each in range(total)]] * 3
