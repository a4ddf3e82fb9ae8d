"""Preallocation: zeros ahead of the commits, without affecting them."""

import contextlib
import os
import random
import threading
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from gateway.journal.segments.space import Space
from tests.build import event_lines, open_partition
from tests.gateway import until
from tests.journal.breaking import appends_with, descriptor_info, opened

MB = 1024 * 1024
PLENTY = 2**40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An empty file."""
    path = tmp_path / "file"
    path.touch()
    return path


@pytest.fixture
def space() -> Iterator[Space]:
    """Preallocation for files of up to 64 MB, on a disk with enough space."""
    space = Space(64 * MB, lambda: PLENTY)
    yield space
    space.close()


def allocated_bytes(file: Path) -> int:
    """Return the number of bytes that a file occupies on the disk."""
    return file.stat().st_blocks * 512


def test_preallocated_space_is_zeros_on_the_disk(file: Path, space: Space) -> None:
    space.attach(file, 0)

    until(lambda: allocated_bytes(file) >= 8 * MB)

    assert file.read_bytes() == bytes(file.stat().st_size)


def test_existing_content_is_not_changed(file: Path, space: Space) -> None:
    file.write_bytes(b"head" * 1000)

    space.attach(file, 4000)

    until(lambda: allocated_bytes(file) >= 8 * MB)
    content = file.read_bytes()
    assert content == b"head" * 1000 + bytes(len(content) - 4000)


def test_preallocation_stays_ahead_of_commits(file: Path, space: Space) -> None:
    space.attach(file, 0)
    until(lambda: allocated_bytes(file) > 0)  # or a hole would be left, whose bytes are never allocated

    for end in range(8 * MB, 40 * MB, 8 * MB):
        space.advance(end)
        until(partial(lambda end: allocated_bytes(file) > end, end))


def test_preallocation_stops_at_the_maximum_file_size(file: Path) -> None:
    space = Space(MB, lambda: PLENTY)
    space.attach(file, 0)

    until(lambda: file.stat().st_size == MB)

    space.advance(2 * MB)
    space.close()
    assert file.stat().st_size == MB


@pytest.mark.parametrize("step", [1000, 100_000, 600_000])
def test_preallocation_never_overwrites_a_commit(
    file: Path, space: Space, step: int, chance: random.Random
) -> None:
    descriptor = os.open(file, os.O_WRONLY)
    end, written = 0, bytearray()
    space.attach(file, 0)

    while end < min(20 * MB, 3000 * step):
        data = bytes([1 + len(written) % 255]) * chance.randrange(1, step)
        end += len(data)
        space.advance(end)
        os.pwrite(descriptor, data, end - len(data))
        written += data
    os.close(descriptor)
    until(lambda: allocated_bytes(file) > end)

    content = file.read_bytes()
    assert content == bytes(written) + bytes(len(content) - end)


def test_preallocation_follows_a_commit_beyond_it(file: Path, space: Space) -> None:
    space.attach(file, 0)

    space.advance(50 * MB)

    until(lambda: file.stat().st_size > 50 * MB)


def test_preallocation_waits_for_space_and_continues_later(file: Path) -> None:
    room = [0]
    asked = threading.Semaphore(0)

    def available() -> int:
        asked.release()
        return room[0]

    space = Space(64 * MB, available)
    space.attach(file, 0)
    asked.acquire()
    before = file.stat().st_size

    room[0] = PLENTY

    until(lambda: allocated_bytes(file) >= 8 * MB)
    space.close()
    assert before == 0


def test_preallocation_uses_only_a_fraction_of_the_available_space(file: Path) -> None:
    left = iter([16 * MB])
    asked_again = threading.Event()

    def available() -> int:
        found = next(left, 0)
        if not found:
            asked_again.set()
        return found

    space = Space(64 * MB, available)
    space.attach(file, 0)
    asked_again.wait()

    space.close()
    assert file.stat().st_size == MB


def test_a_truncated_file_is_not_extended(file: Path) -> None:
    asked = threading.Semaphore(0)
    left = count(4 * MB, 4 * MB)  # which allows one more step each time

    def available() -> int:
        if file.stat().st_size:
            os.truncate(file, 10)
        asked.release()
        return next(left)

    space = Space(64 * MB, available)
    space.attach(file, 0)
    for _ in range(3):
        asked.acquire()

    space.close()
    assert file.stat().st_size == 10


def test_nothing_is_preallocated_if_the_available_space_is_unknown(file: Path) -> None:
    asked = threading.Event()

    def available() -> int:
        asked.set()
        raise OSError

    space = Space(64 * MB, available)
    space.attach(file, 0)
    asked.wait()

    space.close()
    assert file.stat().st_size == 0


def test_a_file_that_cannot_be_opened_is_ignored(file: Path, space: Space, tmp_path: Path) -> None:
    space.attach(tmp_path / "none", 0)
    space.advance(10)
    space.attach(file, 0)

    until(lambda: allocated_bytes(file) >= 8 * MB)
    assert list(tmp_path.iterdir()) == [file]


def test_a_detached_file_is_no_longer_extended(file: Path, space: Space, tmp_path: Path) -> None:
    space.attach(file, 0)
    until(lambda: file.stat().st_size)
    other = tmp_path / "other"
    other.touch()

    space.detach()
    os.truncate(file, 0)
    space.advance(0)
    space.attach(other, 0)
    until(lambda: allocated_bytes(other) >= 8 * MB)

    assert file.stat().st_size == 0


def threads() -> int:
    return sum(each.name == "journal-space" for each in threading.enumerate())


def test_closing_ends_the_thread(file: Path) -> None:
    before = threads()
    space = Space(64 * MB, lambda: PLENTY)
    space.attach(file, 0)

    space.close()

    assert (threads(), opened(file)) == (before, {})


def test_a_disk_error_is_reported_to_the_commit(tmp_path: Path) -> None:
    partition = open_partition(tmp_path / "0")
    partition.write(event_lines(0, 1))
    [path] = (tmp_path / "0").iterdir()
    committing = appends_with(path)

    # The system reports each error once to every open file description, and duplicates share one.
    os.lseek(committing, 777, os.SEEK_SET)
    places = []
    for number in opened(path).keys() - {committing}:
        with contextlib.suppress(FileNotFoundError):  # a duplicate, to be synced
            places.append(descriptor_info(number)["pos"])

    partition.close()
    assert places
    assert "777" not in places
