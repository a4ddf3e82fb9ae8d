"""
Space for a partition's next commits, made beforehand by a thread of its own.

To write over zeros takes half as long as to write where the file has to grow (0.20 against 0.37 ms for a
commit of 16 events), since no metadata changes. Blocks are allocated some way ahead, so that the size stays,
and then filled with zeros in small pieces, each synced: larger ones, or a pause too short, get in the way of
the commits (99th percentile 2.7 ms with pieces of 256 KB, 25 ms with 8 MB).
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from gateway.journal.segments import files

_AHEAD = 8 * 1024 * 1024  # bytes that are ready for commits
_ALLOCATED_AHEAD = 32 * 1024 * 1024
_SHARE = 16  # neither is more than this part of the room that is left
_PIECE = 256 * 1024
_PAUSE = 0.01  # seconds between two pieces as long as enough is ready
_LATER = 1.0  # seconds after which it is tried again where there is no room
_ENOUGH = _AHEAD // 2
_ZEROS = bytes(_PIECE)


class Space:
    """What is ready in the file that is being written. One thread commits, another prepares."""

    def __init__(self, largest: int, available: Callable[[], int]) -> None:
        """`largest`: bytes of a file, but for its last commit; `available()`: bytes that may be written."""
        self._largest = largest
        self._available = available
        self._changed = threading.Condition()
        self._descriptor = -1
        self._ready = self._allocated = self._used = self._size = 0
        self._stopped = False
        self._busy = False
        """Whether the thread is at work, so that it need not be told."""
        self._thread = threading.Thread(target=self._run, name="journal-space", daemon=True)
        self._thread.start()

    def follow(self, path: Path, offset: int) -> None:
        """Prepare this file from now on."""
        self.leave()
        try:
            # Never the descriptor that commits use: a failed write is told once to each that opened the file,
            # and a commit must not miss it because it was told here.
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return  # as in _prepare
        with self._changed:
            self._descriptor = descriptor
            self._ready = self._allocated = self._used = self._size = offset
            self._changed.notify()

    def leave(self) -> None:
        """Prepare nothing until there is another file."""
        with self._changed:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1

    def use(self, end: int) -> None:
        """Tell that a commit is about to write up to `end`: nothing is prepared there any more."""
        # No lock in the usual case: only this thread changes `_used`, and `_ready` only grows.
        self._size = max(self._size, self._used)  # where the last one ended
        self._used = end
        if end > self._ready:
            with self._changed:
                self._ready = max(self._ready, end)
                self._changed.notify()
        elif end + _ENOUGH > self._ready and not self._busy:
            with self._changed:
                self._changed.notify()

    def close(self) -> None:
        self.leave()
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._stopped or self._wanted())
                if self._stopped:
                    return
                self._busy = True
                pause = _PAUSE if self._ready - self._used > _ENOUGH else 0.0
                descriptor = self._prepare()
            if descriptor is None:
                pause = _LATER
            else:
                _sync_and_close(descriptor)
            if pause:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped, pause)

    def _wanted(self) -> bool:
        return self._descriptor >= 0 and self._ready < min(self._used + _AHEAD, self._largest)

    def _prepare(self) -> int | None:
        """Fill one piece, while no commit can use it; a descriptor to be synced and closed, or None."""
        start, end = self._ready, min(self._ready + _PIECE, self._largest)
        self._allocated = max(self._allocated, start)  # commits may have come further than it had
        try:
            step = 0
            if end > self._allocated:
                left = self._available() // _SHARE - (self._allocated - self._used)
                step = min(_ALLOCATED_AHEAD, left, self._largest - self._allocated)
                if step < end - self._allocated:
                    return None
            if os.fstat(self._descriptor).st_size < self._size:
                return None  # somebody has cut it, which its length has to go on telling
            if step and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._descriptor, self._allocated, step)
            self._allocated += step
            files.write_all(self._descriptor, memoryview(_ZEROS)[: end - start], start)
            self._ready = end
            self._size = os.fstat(self._descriptor).st_size
            return os.dup(self._descriptor)
        except OSError:
            return None  # commits find out for themselves what is wrong, and say it


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    except OSError:
        pass  # as above
    finally:
        os.close(descriptor)
