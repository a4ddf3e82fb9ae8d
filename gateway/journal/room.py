"""Whether there is still room for events: under the journal's own limit, and on its disk."""

import os
import time
from pathlib import Path

from gateway.errors import JournalUnavailable
from gateway.journal import files

_LOOK_EVERY = 0.25  # seconds; what is written meanwhile is counted
# What is left free, so that delivery can still note where it is, and so make room: the smaller of both.
_RESERVE = 64 * 1024 * 1024
_RESERVE_SHARE = 16


def left(journal: Path, max_size: int) -> int:
    """Bytes that may still be written, all shards together."""
    disk = os.statvfs(journal)
    reserve = min(_RESERVE, disk.f_blocks * disk.f_frsize // _RESERVE_SHARE)
    return min(max_size - files.total_size(journal), disk.f_bavail * disk.f_frsize - reserve)


class Room:
    """What one writer may still use."""

    def __init__(self, journal: Path, max_size: int) -> None:
        self.journal = journal
        self.max_size = max_size
        self._left = 0
        self._looked = float("-inf")

    def take(self, size: int) -> None:
        """Raise JournalUnavailable if `size` more bytes would be too many."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._left, self._looked = left(self.journal, self.max_size), now
        if size > self._left:
            raise JournalUnavailable("the journal is full")
        self._left -= size
