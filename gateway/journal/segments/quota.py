"""The space that the journal may still use: within its configured size, and on its disk."""

import os
import time
from pathlib import Path

from gateway.errors import JournalUnavailable
from gateway.journal.segments import files

_MEASURE_INTERVAL_SECONDS = 0.25  # meanwhile, what this process writes is counted
# Space that is left free so that delivery can still record its positions, which frees space: the smaller of
# 64 MB and 1/16 of the disk.
_RESERVE_BYTES = 64 * 1024 * 1024
_RESERVE_SHARE = 16

# With less space than this, delivered events are deleted before `keep` ends, rather than refusing new ones:
# the smaller of 512 MB and 1/8 of max_size.
_LOW_SPACE_BYTES = 512 * 1024 * 1024
_LOW_SPACE_SHARE = 8


def partitions(folder: Path) -> list[str]:
    """Return the names of all partitions: the folders whose names are numbers, in numerical order."""
    try:
        with os.scandir(folder) as found:  # as in files.py
            names = [each.name for each in found if each.is_dir()]
    except FileNotFoundError:
        return []
    return sorted((each for each in names if each.isdecimal() and each.isascii()), key=int)


class Quota:
    """The space that all partitions of a journal may use together. Only `reserve` is not thread-safe."""

    def __init__(self, folder: Path, max_size: int) -> None:
        self._folder = folder
        self._max_size = max_size
        self._finished_sizes: dict[tuple[str, int], int] = {}
        self._available = 0
        self._measured_at = float("-inf")

    def reserve(self, size: int) -> None:
        """Reserve `size` bytes. Raises JournalUnavailable if they exceed what is available, and OSError."""
        now = time.monotonic()
        if now - self._measured_at > _MEASURE_INTERVAL_SECONDS:
            self._available, self._measured_at = self.available(), now
        if size > self._available:
            raise JournalUnavailable("the journal is full")
        self._available -= size

    def is_known_to_allow(self, size: int) -> bool:
        """Return True if `reserve` succeeds without looking at the disk."""
        measured = time.monotonic() - self._measured_at <= _MEASURE_INTERVAL_SECONDS
        return measured and size <= self._available

    def available(self) -> int:
        """Return the number of bytes that all partitions together may still write. Raises OSError."""
        disk = _disk(self._folder)
        reserve = min(_RESERVE_BYTES, disk.f_blocks * disk.f_frsize // _RESERVE_SHARE)
        return min(self._max_size - self.used(), disk.f_bavail * disk.f_frsize - reserve)

    def is_low_on_space(self) -> bool:
        """Return True if delivered events should be deleted before their retention time is over."""
        return self.available() < min(_LOW_SPACE_BYTES, self._max_size // _LOW_SPACE_SHARE)

    def used(self) -> int:
        """Return the number of bytes that hold events; preallocated space does not count."""
        total, finished_sizes = 0, {}
        for partition in partitions(self._folder):
            folder = self._folder / partition
            for first in files.listing(folder):
                size = self._finished_sizes.get((partition, first))
                finished = size is not None
                if size is None:
                    size, finished = _used(folder / files.name(first))
                if finished and size > files.START:  # an empty file may be replaced by one of the same name
                    finished_sizes[partition, first] = size
                total += size
        self._finished_sizes = finished_sizes
        return total


def _disk(folder: Path) -> os.statvfs_result:
    """Return the file system of a folder, or of its nearest existing parent."""
    while not folder.exists():
        folder = folder.parent
    return os.statvfs(folder)


def _used(path: Path) -> tuple[int, bool]:
    """Return the number of bytes of a file that hold events, and whether the file is finished."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0, False
    try:
        size = os.fstat(descriptor).st_size
        durable = files.read_end(descriptor)
    except OSError:
        return 0, False
    finally:
        os.close(descriptor)
    return (size, False) if durable is None else (min(size, durable.offset), durable.finished)
