"""Statistics of a journal."""

import os
import shutil
from pathlib import Path

from gateway.journal.segments import files
from gateway.journal.segments.examine.inventory import find
from gateway.journal.segments.examine.stats import Stats, count, total
from gateway.journal.segments.files import START, Header
from tests.build import JOURNAL, event_lines, keep, open_partition
from tests.journal.breaking import flip
from tests.journal.crafted import chunk_of, write_file

HOUR = 3_600_000
EPOCH = 7


def counted(path: Path) -> Stats:
    """Return the statistics of the only partition."""
    [found] = count(find(path))
    return found


def test_files_events_and_chunks_are_counted(tmp_path: Path) -> None:
    first = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 7))
    second = keep(tmp_path / "0", event_lines(7, 8))

    found = counted(tmp_path)

    assert (found.files, found.events, found.chunks, found.largest) == (2, 8, 3, 5)
    assert (found.oldest, found.newest) == (0, 7)
    assert found.bytes == first.stat().st_size + second.stat().st_size
    assert (found.prepared, found.exact, found.damaged) == (0, True, [])


def test_a_journal_without_its_oldest_file_starts_later(tmp_path: Path) -> None:
    gone = keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 7))
    gone.unlink()

    found = counted(tmp_path)

    assert (found.oldest, found.newest, found.events) == (2, 6, 5)


def test_a_partition_without_events_has_no_oldest(tmp_path: Path) -> None:
    keep(tmp_path / "0")

    found = counted(tmp_path)

    assert (found.files, found.events, found.oldest, found.newest, found.newest_at) == (
        1,
        0,
        None,
        None,
        None,
    )


def test_preallocated_space_is_counted_separately(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))

    found = counted(tmp_path)
    partition.close()
    finished = counted(tmp_path)

    assert found.bytes - found.prepared == finished.bytes
    assert (found.events, finished.prepared) == (2, 0)


def test_the_times_are_those_of_the_first_and_the_last_commit(tmp_path: Path) -> None:
    chunks = [chunk_of(number, number + 1, at=1000 + number) for number in range(300)]
    write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), *chunks)

    found = counted(tmp_path)

    assert (found.oldest_at, found.newest_at, found.epochs) == (1000, 1299, [EPOCH])


def test_the_last_commit_is_found_after_events_of_many_megabytes(tmp_path: Path) -> None:
    large = chunk_of(1, 20_000, at=2000)
    write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), chunk_of(0, 1, at=1000), large)

    assert counted(tmp_path).newest_at == 2000


def test_the_last_day_ends_with_the_newest_event(tmp_path: Path) -> None:
    hourly = [chunk_of(hour, hour + 1, at=hour * HOUR, epoch=1 + hour // 10) for hour in range(50)]
    for begin in range(0, 50, 10):
        write_file(
            tmp_path / "0", Header(JOURNAL, 0, 1 + begin // 10, begin, begin * HOUR), *hourly[begin:][:10]
        )

    assert counted(tmp_path).last_day == 24


def test_the_last_day_of_a_large_file_is_found_within_it(tmp_path: Path) -> None:
    chunks = [chunk_of(number, number + 1, at=number * HOUR // 100) for number in range(5000)]
    write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), *chunks)

    assert counted(tmp_path).last_day == 2400


def test_the_last_day_is_the_same_for_all_partitions(tmp_path: Path) -> None:
    write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), chunk_of(0, 2, at=0))
    write_file(tmp_path / "1", Header(JOURNAL, 1, EPOCH, 0, 0), chunk_of(0, 3, at=30 * HOUR))

    assert [each.last_day for each in count(find(tmp_path))] == [0, 3]


def test_the_chunks_of_large_files_are_estimated(tmp_path: Path) -> None:
    chunks = [chunk_of(number * 2, number * 2 + 2) for number in range(2500)]
    write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), *chunks)

    found = counted(tmp_path)

    assert (found.exact, found.chunks, found.largest, found.events) == (False, 2500, 2, 5000)


def test_damaged_events_are_included_in_the_counts(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 4), event_lines(4, 5))
    flip(file, b"m3")

    assert counted(tmp_path).events == 5


def test_a_file_without_its_end_record_is_counted_by_its_chunks_and_reported(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 5))
    content = bytearray(file.read_bytes())
    content[512] ^= 1
    file.write_bytes(content)

    found = counted(tmp_path)

    assert (found.events, found.newest) == (5, 4)
    assert [entry.path for entry in found.damaged] == [file]


def test_a_file_of_another_journal_is_reported_and_not_counted(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 2))
    keep(tmp_path / "0", event_lines(2, 3))
    other = write_file(tmp_path / "0", Header(bytes(16), 0, 9, 3, 0), chunk_of(3, 5, epoch=9))

    found = counted(tmp_path)

    assert (found.files, found.events) == (2, 3)
    assert [entry.path for entry in found.damaged] == [other]


def test_all_partitions_are_added_together(tmp_path: Path) -> None:
    one = write_file(tmp_path / "0", Header(JOURNAL, 0, EPOCH, 0, 0), chunk_of(0, 2, at=1000))
    other = write_file(
        tmp_path / "1", Header(JOURNAL, 1, EPOCH, 0, 0), chunk_of(0, 3, at=500), chunk_of(3, 4, at=700)
    )

    found = total(count(find(tmp_path)))

    assert (found.files, found.events, found.chunks, found.largest) == (2, 6, 3, 3)
    assert (found.oldest_at, found.newest_at, found.last_day) == (500, 1000, 6)
    assert found.bytes == one.stat().st_size + other.stat().st_size > 2 * START


def test_the_last_commit_of_an_abandoned_file_precedes_its_preallocated_space(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 2))
    copy = shutil.copytree(tmp_path / "0", tmp_path / "copy/0")
    partition.close()
    os.truncate(copy / files.name(0), 2**21)
    write_file(copy, Header(JOURNAL, 0, 8, 2, 0))

    found = counted(tmp_path / "copy")

    assert (found.files, found.newest, found.newest_at) == (2, 1, found.oldest_at)
