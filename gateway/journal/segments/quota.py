"""How many bytes may still be written: within the journal's own limit, and on its disk."""

import os
import time
from pathlib import Path

from gateway.errors import JournalUnavailable
from gateway.journal.segments import files

_LOOK_EVERY = 0.25  # seconds; what is written meanwhile is counted
# What is left free, so that delivery can still record where it is, and so make room: the smaller of both.
_RESERVE = 64 * 1024 * 1024
_RESERVE_SHARE = 16

# With less room than this, delivered events go before their time: better than to refuse new ones.
_SHORT = 512 * 1024 * 1024
_SHORT_SHARE = 8


def partitions(folder: Path) -> list[str]:
    """The names of all partitions: folders that have numbers for names."""
    try:
        with os.scandir(folder) as found:  # as in files.py
            names = [each.name for each in found if each.is_dir()]
    except FileNotFoundError:
        return []
    return sorted((each for each in names if each.isdecimal() and each.isascii()), key=int)


class Quota:
    """What all partitions of a journal may use together. Only `reserve` is for one thread."""

    def __init__(self, folder: Path, max_size: int) -> None:
        self._folder = folder
        self._max_size = max_size
        self._finished: dict[tuple[str, int], int] = {}
        self._left = 0
        self._looked = float("-inf")

    def reserve(self, size: int) -> None:
        """Raise JournalUnavailable if `size` more bytes would be too many."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._left, self._looked = self.available(), now
        if size > self._left:
            raise JournalUnavailable("the journal is full")
        self._left -= size

    def available(self) -> int:
        """Bytes that may still be written, all partitions together."""
        disk = _disk(self._folder)
        reserve = min(_RESERVE, disk.f_blocks * disk.f_frsize // _RESERVE_SHARE)
        return min(self._max_size - self.used(), disk.f_bavail * disk.f_frsize - reserve)

    def short(self) -> bool:
        """Whether there is so little room left that delivered events should go before their time."""
        return self.available() < min(_SHORT, self._max_size // _SHORT_SHARE)

    def used(self) -> int:
        """Bytes that hold events: what is only prepared for them does not count."""
        total, seen = 0, {}
        for partition in partitions(self._folder):
            folder = self._folder / partition
            for first in files.listing(folder):
                size = self._finished.get((partition, first))
                finished = size is not None
                if size is None:
                    size, finished = _used(folder / files.name(first))
                if finished and size > files.START:  # else its name may be given to another file
                    seen[partition, first] = size
                total += size
        self._finished = seen
        return total


def _disk(folder: Path) -> os.statvfs_result:
    """The disk that a folder lies on, or will once it is made."""
    while not folder.exists():
        folder = folder.parent
    return os.statvfs(folder)


def _used(path: Path) -> tuple[int, bool]:
    """The bytes of a file that hold events, and whether that stays so."""
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
