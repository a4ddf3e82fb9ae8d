"""The quota of a journal: new events are refused at the limit, and accepted again after delivery."""

import os
from pathlib import Path

import pytest

from gateway.errors import JournalUnavailable
from gateway.journal.segments import files
from gateway.journal.segments.files import START
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from tests.build import event_line, event_lines, keep, open_log, open_partition, read_all
from tests.gateway import until

SMALL = 1024 * 1024
CHUNK = [event_line(properties={"filler": "x" * 50_000})]


def fill(partition: Partition) -> int:
    """Write until the journal is full, and return the number of accepted events."""
    for taken in range(1000):
        try:
            partition.write(CHUNK)
        except JournalUnavailable:
            return taken
    raise AssertionError("it never was full")


def takes(partition: Partition, line: bytes) -> bool:
    try:
        partition.write([line])
    except JournalUnavailable:
        return False
    return True


def deliver_and_release(journal: Path) -> None:
    """Release everything, as delivery does once its only sink has it."""
    log = open_log(journal)
    log.release({each: log.reader(each).newest() for each in log.partitions()}, 2**40)


def test_a_reservation_within_the_quota_succeeds_and_one_beyond_fails(tmp_path: Path) -> None:
    quota = Quota(tmp_path, 1000)

    quota.reserve(600)
    with pytest.raises(JournalUnavailable, match="full"):
        quota.reserve(401)
    quota.reserve(400)


def test_a_quota_is_known_once_it_was_measured(tmp_path: Path) -> None:
    quota = Quota(tmp_path, 1000)
    before = quota.is_known_to_allow(0)

    def knows(size: int) -> bool:
        quota.reserve(0)
        return quota.is_known_to_allow(size)

    assert not before
    until(lambda: knows(1000))
    assert not knows(1001)


def test_all_partitions_share_the_quota(tmp_path: Path) -> None:
    sizes = [keep(tmp_path / name, event_lines(0, 10)).stat().st_size for name in ("0", "1", "1", "11")]

    assert Quota(tmp_path, 10 * SMALL).available() == 10 * SMALL - sum(sizes)


def test_preallocated_space_does_not_count(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", largest=8 * SMALL)
    partition.write(event_lines(0, 10))
    [file] = (tmp_path / "0").iterdir()
    until(lambda: file.stat().st_size == 8 * SMALL)

    used = Quota(tmp_path, SMALL).used()
    partition.close()

    assert used == file.stat().st_size


def test_part_of_the_disk_is_left_free(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)

    available = Quota(tmp_path, 2**62).available()

    assert available < disk.f_bavail * disk.f_frsize


def test_writes_of_other_partitions_are_noticed(tmp_path: Path) -> None:
    open_partition(tmp_path / "1").close()
    quota = Quota(tmp_path, SMALL)
    before = quota.used()

    written = [keep(tmp_path / "1", event_lines(0, 10)), keep(tmp_path / "1", event_lines(10, 30))]

    assert (before, quota.used()) == (START, sum(each.stat().st_size for each in written))


def test_deleted_files_no_longer_count(tmp_path: Path) -> None:
    old = keep(tmp_path / "0", event_lines(0, 10))
    new = keep(tmp_path / "0", event_lines(10, 12))
    quota = Quota(tmp_path, SMALL)
    quota.used()

    old.unlink()

    assert quota.used() == new.stat().st_size


def test_space_is_low_before_it_is_exhausted(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", max_size=SMALL)
    log = open_log(tmp_path, max_size=SMALL)
    found = []

    while takes(partition, CHUNK[0]):
        found.append(log.is_low_on_space())

    partition.close()
    assert found == sorted(found)
    assert (found[0], found[-1]) == (False, True)
    assert 1 <= sum(found) < 5


def test_a_full_journal_refuses_even_a_probe(tmp_path: Path) -> None:
    keep(tmp_path / "0", CHUNK)

    with pytest.raises(JournalUnavailable, match="full"):
        Quota(tmp_path, 1).reserve(0)


def test_a_full_journal_refuses_events_and_keeps_its_own(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", max_size=SMALL)

    taken = fill(partition)

    read = read_all(tmp_path / "0")
    assert (read.lines, read.lost) == (CHUNK * taken, 0)
    assert SMALL - 60_000 < taken * 50_000 < SMALL
    partition.close()


def test_a_full_journal_accepts_events_again_after_delivery(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", max_size=SMALL)
    taken = fill(partition)

    deliver_and_release(tmp_path)

    until(lambda: takes(partition, event_line(1)))
    assert read_all(tmp_path / "0", taken).lines == [event_line(1)]
    partition.close()


def test_a_full_journal_without_delivery_remains_unchanged(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", max_size=SMALL)
    taken = fill(partition)
    before = files.listing(tmp_path / "0")

    partition.quota = Quota(tmp_path, SMALL)  # a new quota measures again at once
    again = [fill(partition) for _ in range(3)]

    assert again == [0, 0, 0]
    assert files.listing(tmp_path / "0") == before == [0, taken]
    partition.close()


def test_a_full_journal_accepts_events_again_after_a_restart(tmp_path: Path) -> None:
    before = open_partition(tmp_path / "0", max_size=SMALL)
    taken = fill(before)
    before.close()

    partition = open_partition(tmp_path / "0", max_size=SMALL)
    full = not takes(partition, CHUNK[0])
    deliver_and_release(tmp_path)

    until(lambda: takes(partition, event_line(1)))
    assert full
    assert read_all(tmp_path / "0", taken).lines == [event_line(1)]
    partition.close()


def test_a_former_workers_partition_does_not_keep_a_full_journal_full(tmp_path: Path) -> None:
    former = open_partition(tmp_path / "1", max_size=SMALL)
    fill(former)
    former.close()
    partition = open_partition(tmp_path / "0", max_size=SMALL)

    deliver_and_release(tmp_path)

    until(lambda: takes(partition, event_line()))
    partition.close()
