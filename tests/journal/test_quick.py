"""A partition tells which writes are quick: those that need nothing but one append."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.errors import JournalUnavailable
from gateway.journal.segments import files
from gateway.journal.segments.files import START
from gateway.journal.segments.partition import Partition
from gateway.journal.segments.quota import Quota
from tests.build import event_lines, open_partition
from tests.gateway import until
from tests.journal.breaking import failing_sync, truncate

FILE_BYTES = 2**20


@pytest.fixture
def partition(tmp_path: Path) -> Iterator[Partition]:
    """A partition with one commit and space for the next."""
    partition = open_partition(tmp_path / "0", largest=FILE_BYTES)
    partition.write(event_lines(0, 1))
    until(lambda: is_quick(partition, 1000))
    yield partition
    partition.close()


def is_quick(partition: Partition, size: int) -> bool:
    """Return what the partition says with a quota that has just been measured."""
    partition.quota.reserve(0)
    return partition.is_quick(size)


def current(partition: Partition) -> Path:
    return partition.folder / files.name(files.listing(partition.folder)[-1])


def test_a_write_beyond_the_end_of_the_file_is_not_quick(partition: Partition) -> None:
    until(lambda: is_quick(partition, FILE_BYTES - START - 10_000))

    assert not is_quick(partition, FILE_BYTES - START)


def test_a_write_into_space_that_is_not_prepared_is_not_quick(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0", largest=START)

    partition.write(event_lines(0, 1))

    assert not is_quick(partition, 100)
    partition.close()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda file: file.unlink(), id="removed"),
        pytest.param(lambda file: truncate(file, START + 1), id="truncated"),
        pytest.param(lambda file: (file.rename(file.parent / "old"), file.touch()), id="replaced"),
    ],
)
def test_a_write_into_a_file_that_is_not_intact_is_not_quick(
    partition: Partition, spoil: Callable[[Path], object]
) -> None:
    spoil(current(partition))

    assert not is_quick(partition, 100)


def test_a_write_after_a_failed_sync_is_not_quick(partition: Partition) -> None:
    failing_sync(current(partition))

    with pytest.raises(JournalUnavailable):
        partition.write(event_lines(1, 2))

    assert not is_quick(partition, 100)


def test_a_write_beyond_the_quota_is_not_quick(partition: Partition) -> None:
    partition.quota = Quota(partition.folder.parent, START + 10_000)

    assert is_quick(partition, 1000)
    assert not is_quick(partition, 10_000)
