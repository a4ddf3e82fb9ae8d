"""
The file of a sink: each event exactly once, across crashes, renames, truncation and rotation.

A batch is synced before it counts as delivered. Lines after the recorded length are never truncated. They may
belong to a batch that is about to be delivered again, and are then not written twice (unrecorded.py), or to a
later state than the one that an operator has restored. Only a partial line, which would corrupt the next
event, is moved to another file.

The file may be renamed, deleted or truncated at any time; a new file is then created at its path.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec
import structlog

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch
from gateway.sinks.compression import Compression, compressed
from gateway.sinks.locked_file import MAX_TAIL_BYTES, LockedFile
from gateway.sinks.unrecorded import Unrecorded

log = structlog.get_logger()

_CHECKS_UNTIL_EXPIRY = 20
"""By then every unrecorded batch has been delivered again; remaining lines belong to no batch."""


class Receipt(msgspec.Struct, frozen=True):
    """
    The file that was written last, and its length.

    The file is identified only by its inode, because its device number may change at a reboot.
    """

    opened: str
    """The time at which it was created, ISO-8601 UTC."""
    inode: int
    length: int
    """Length of its complete lines, in bytes."""
    unrecorded: int = 0
    """Number of bytes before `length` that no receipt covers and a batch may still claim."""
    since: int = 0
    """The lowest offset at which they may be."""


NOTHING_RECORDED = Receipt(opened="", inode=0, length=0)
"""The receipt of a file without a recorded batch; every line in it may belong to one."""


class Rotation(NamedTuple):
    """The settings for files that are set aside."""

    size: int = 0
    """Set a file aside when it reaches this many bytes; 0: never."""
    daily: bool = False
    """Set a file aside with the first batch after midnight UTC."""
    compress: bool = False
    """Compress files that were set aside, including those of earlier connections."""


_logged: dict[Path, tuple[int, int, int]] = {}
"""
The unrecorded lines that this process logged last, by the file's path: inode, first offset, and size.

They are recorded with the next batch; connections that write none, as with a full disk, find them again.
"""


class OwnedFile:
    """
    The sink's file across renames, truncation and rotation. Raises only SinkUnavailable.

    `check` may be called in one thread while another thread calls `append`.
    """

    def __init__(self, path: Path, rotation: Rotation, sink: str, recorded: Receipt | None) -> None:
        """
        Open the file at its end.

        `recorded` is the last recorded receipt. Without one, the lines in the file belong to others.
        """
        self.path = path
        self._rotation = rotation
        self._log = log.bind(sink=sink, file=str(path))
        self._lock = Lock()
        self._closed = False
        self._checks = 0
        self._unrecorded: Unrecorded | None = None
        with self._translated():
            self._file = LockedFile(self.path)
            try:
                self._adopt_file()
                self._find_unrecorded(recorded)
            except BaseException:
                self._file.close()
                raise
        self._compression = Compression(path, self._log) if rotation.compress else None

    @property
    def receipt(self) -> Receipt:
        found = self._unrecorded
        size, since = (found.size, found.start) if found else (0, self._length)
        return Receipt(self.opened, self._file.inode, self._length, size, since)

    def append(self, batch: Batch) -> Receipt:
        """Write and sync the lines of a batch that are not in the file yet, and return the receipt."""
        with self._lock, self._translated():
            while True:
                self._reopen_if_moved()
                self._detect_truncation()
                if self._is_full():
                    self._rotate()
                self._write(batch.data, self._claim(batch))
                if not self._file.is_deleted():  # deleted during the write
                    return self.receipt

    def check(self) -> None:
        """
        Create a new file if this one was renamed or deleted, and log unclaimed lines once.

        Does nothing during a write. Errors are left for the next batch to report.
        """
        try:
            if self._file.is_in_place() and not self._unrecorded:
                return
            if not self._lock.acquire(blocking=False):
                return
            try:
                if not self._closed:
                    self._reopen_if_moved()
                    self._expire_claims()
            finally:
                self._lock.release()
        except (OSError, SinkUnavailable):
            pass

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._compression:
                self._compression.stop()
            self._file.close()

    def _expire_claims(self) -> None:
        if self._unrecorded:
            self._checks += 1
            if self._checks == _CHECKS_UNTIL_EXPIRY:
                self._log_unrecorded(self._unrecorded.start, self._unrecorded.size)
                self._unrecorded = None

    def _adopt_file(self) -> None:
        """Treat the file just opened as a new one, and continue at its end."""
        self.opened = _now()
        self._partial = self._file.partial_line()
        self._length = self._file.size - len(self._partial)
        self._unrecorded = None

    def _find_unrecorded(self, recorded: Receipt | None) -> None:
        """Compare the file with the recorded receipt, and find the lines that it does not cover."""
        if not recorded:
            if self._length:
                self._log_unrecorded(0, self._length)
            return
        if recorded.inode == self._file.inode:
            self.opened = recorded.opened
        if recorded.inode == self._file.inode and recorded.length <= self._length:
            size, since = recorded.unrecorded + self._length - recorded.length, recorded.since
        else:
            size, since = self._length, 0
            if recorded.inode == self._file.inode:
                self._log_truncated(recorded.length - self._length)
            elif not size and recorded != NOTHING_RECORDED:
                self._log_replaced()
        if size and self._length - since > MAX_TAIL_BYTES:
            self._log_unrecorded(since, size)
        elif size:
            self._unrecorded = Unrecorded(self._file.read(since, self._length), since, size)

    def _claim(self, batch: Batch) -> int:
        """Return how many bytes from the start of a batch are already in the file."""
        done = 0
        if self._unrecorded:
            for start, length in self._unrecorded.claim((batch.partition, batch.origin), batch.data):
                # After a failed sync they may be only in the page cache.
                self._file.overwrite(start, batch.data[done : done + length])
                done += length
            if self._unrecorded.size <= 0:
                self._unrecorded = None
        return done

    def _write(self, data: bytes, done: int) -> None:
        """Append and sync `data` from `done` on, and complete a partial line if `data` continues it."""
        if done < len(data):
            added = len(data) - done
            if self._partial and data.startswith(self._partial, done):
                self._file.overwrite(self._length, self._partial)
                done += len(self._partial)
            elif self._partial:
                self._move_partial_line()
            self._partial = b""
            self._file.append(memoryview(data)[done:] if done else data)
            self._length += added
        self._file.sync()

    def _reopen_if_moved(self) -> None:
        """Create a new file if this one was renamed or deleted; its content has been synced."""
        if not self._file.is_in_place():
            self._reopen()
            self._log_replaced()

    def _detect_truncation(self) -> None:
        """Compare the file's length with the expected one, and adopt it if another program changed it."""
        if self._file.size == self._length + len(self._partial):
            return
        before, opened = self._length, self.opened
        self._adopt_file()
        self.opened = opened
        if self._length < before:
            self._log_truncated(before - self._length)

    def _reopen(self) -> None:
        file = LockedFile(self.path)
        self._file.close()
        self._file = file
        self._adopt_file()

    def _is_full(self) -> bool:
        # A file with lines that a batch may still complete or claim must not be rotated.
        if not self._length or self._partial or self._unrecorded:
            return False
        size, daily, _ = self._rotation
        return (0 < size <= self._length) or (daily and self.opened[:10] != _now()[:10])

    def _rotate(self) -> None:
        aside = self._sibling("-", self.opened)
        if aside.exists() or compressed(aside).exists():  # after an operator has restored an older state
            aside = self._sibling("-", _now())
        self.path.rename(aside)
        self._reopen()
        self._log.info("file rotated", aside=str(aside))
        if self._compression:
            self._compression.look()

    def _move_partial_line(self) -> None:
        aside = self._sibling(".cut-", _now())
        file = LockedFile(aside)
        try:
            file.append(self._partial)
            file.sync()
        except OSError:
            aside.unlink()
            raise
        finally:
            file.close()
        self._file.truncate(self._length)
        self._log.warning("partial line set aside", aside=str(aside), bytes=len(self._partial))

    def _sibling(self, mark: str, time: str) -> Path:
        compact = time.replace("-", "").replace(":", "")
        return self.path.with_name(f"{self.path.stem}{mark}{compact}{self.path.suffix}")

    def _log_replaced(self) -> None:
        self._log.info("file renamed or deleted, new file created")

    def _log_unrecorded(self, start: int, size: int) -> None:
        """Log lines unless they were logged before: a file only grows, so they are the same lines."""
        inode, first, most = _logged.get(self.path, (0, 0, 0))
        if (inode, first) != (self._file.inode, start) or size > most:
            self._log.warning("file contains unrecorded events, retained", bytes=size)
        _logged[self.path] = (self._file.inode, start, size)

    def _log_truncated(self, missing: int) -> None:
        self._log.warning("file truncated by another program", missing=missing)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SinkUnavailable(f"{self.path}: {error.strerror}") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
