"""
Preallocation of space for the next commits of a partition, in a separate thread.

Overwriting zeros takes half as long as growing the file (0.20 instead of 0.37 ms for a commit of 16 events),
because no metadata changes. Blocks are allocated ahead, so that the file size stays the same, and then filled
with zeros in small steps, each of which is synced. Larger steps or shorter pauses delay commits (99th
percentile 2.7 ms with steps of 256 KB, 25 ms with 8 MB).
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from gateway.journal.segments import files

_READY_AHEAD_BYTES = 8 * 1024 * 1024  # filled with zeros
_ALLOCATED_AHEAD_BYTES = 32 * 1024 * 1024
_MAX_SHARE_OF_FREE = 16  # allocate at most 1/16 of the available space
_STEP_BYTES = 256 * 1024
_PAUSE_SECONDS = 0.01  # between two steps while at least _ENOUGH_BYTES are ready
_RETRY_SECONDS = 1.0  # after a step that failed for lack of space
_ENOUGH_BYTES = _READY_AHEAD_BYTES // 2
_ZEROS = bytes(_STEP_BYTES)


class Space:
    """
    Preallocates space in the file that is being written.

    Public methods are called by one thread at a time, the one that commits. Failures are ignored: commits
    work without preallocation, and report disk errors themselves.
    """

    def __init__(self, max_file_bytes: int, available: Callable[[], int]) -> None:
        """`available` returns the number of bytes that may still be written; it is called on any thread."""
        self._max_file_bytes = max_file_bytes
        self._available = available
        self._changed = threading.Condition()
        self._descriptor = -1
        self._ready = self._allocated = self._committed = self._size = 0
        self._stopped = False
        self._busy = False
        """True while the thread works and need not be notified."""
        self._thread = threading.Thread(target=self._run, name="journal-space", daemon=True)
        self._thread.start()

    def attach(self, path: Path, offset: int) -> None:
        """Preallocate in this file from `offset` on, instead of in the previous one."""
        self.detach()
        try:
            # Not the descriptor that commits use: the system reports a failed write once to each open file
            # description, and the commit must not miss it because this thread received it.
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return  # as in _prepare
        with self._changed:
            self._descriptor = descriptor
            self._ready = self._allocated = self._committed = self._size = offset
            self._changed.notify()

    def detach(self) -> None:
        """Stop preallocating until `attach` is called. May be called twice."""
        with self._changed:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1

    def is_ready(self, end: int) -> bool:
        """Return True if a commit up to `end` overwrites zeros, so that `advance` waits for nothing."""
        return end <= self._ready

    def advance(self, end: int) -> None:
        """Announce that a commit will write up to `end`: from now on, preallocate nothing before that."""
        # No lock in the common case: only the caller changes `_committed`, and `_ready` only grows.
        self._size = max(self._size, self._committed)  # the end of the previous commit
        self._committed = end
        if end > self._ready:
            with self._changed:
                self._ready = max(self._ready, end)
                self._changed.notify()
        elif end + _ENOUGH_BYTES > self._ready and not self._busy:
            with self._changed:
                self._changed.notify()

    def close(self) -> None:
        self.detach()
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._stopped or self._is_needed())
                if self._stopped:
                    return
                self._busy = True
                pause = _PAUSE_SECONDS if self._ready - self._committed > _ENOUGH_BYTES else 0.0
                descriptor = self._prepare()
            if descriptor is None:
                pause = _RETRY_SECONDS
            else:
                _sync_and_close(descriptor)
            if pause:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped, pause)

    def _is_needed(self) -> bool:
        return self._descriptor >= 0 and self._ready < min(
            self._committed + _READY_AHEAD_BYTES, self._max_file_bytes
        )

    def _prepare(self) -> int | None:
        """Fill one step while holding the lock; return a descriptor to sync and close, or None."""
        start, end = self._ready, min(self._ready + _STEP_BYTES, self._max_file_bytes)
        self._allocated = max(self._allocated, start)  # commits may have overtaken the allocation
        try:
            step = 0
            if end > self._allocated:
                available = self._available() // _MAX_SHARE_OF_FREE - (self._allocated - self._committed)
                step = min(_ALLOCATED_AHEAD_BYTES, available, self._max_file_bytes - self._allocated)
                if step < end - self._allocated:
                    return None
            if os.fstat(self._descriptor).st_size < self._size:
                return None  # the file was truncated; it must stay short for Partition.check to notice
            if step and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._descriptor, self._allocated, step)
                self._size = max(self._size, self._allocated + step)
            self._allocated += step
            files.write_all(self._descriptor, memoryview(_ZEROS)[: end - start], start)
            self._ready = end
            self._size = max(self._size, end)  # not as found: the file may have been truncated meanwhile
            return os.dup(self._descriptor)
        except OSError:
            return None  # commits meet and report the same error


def _sync_and_close(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    except OSError:
        pass  # as above
    finally:
        os.close(descriptor)
