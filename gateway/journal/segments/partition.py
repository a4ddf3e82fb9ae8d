"""The writing side of a partition: the file to append to, and when to start the next one."""

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from gateway import durable, metrics
from gateway.errors import JournalUnavailable
from gateway.journal import chunk
from gateway.journal.chunk import Chunk
from gateway.journal.segments import files, rescue
from gateway.journal.segments.files import START, End, Header
from gateway.journal.segments.quota import Quota
from gateway.journal.segments.recovery import recover
from gateway.journal.segments.space import Space

log = structlog.get_logger()

_NO_SPACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors after which the same file can still be used, because no written data was lost."""


class Partition:
    """
    Appends chunks to the files of one partition. One thread at a time; blocks on the disk.

    A file is finished at `max_file_bytes` or after `max_file_seconds`, because only whole files are deleted.
    After an I/O error the file is abandoned, because a descriptor whose sync has failed must not be used
    again: the system may have dropped the data.
    """

    def __init__(
        self,
        folder: Path,
        journal: bytes,
        quarantine: Path,
        quota: Quota,
        max_file_bytes: int,
        max_file_seconds: float,
    ) -> None:
        self.folder = folder
        self.quota = quota
        self._journal = journal
        self._quarantine = quarantine
        self._max_file_bytes = max_file_bytes
        self._max_file_seconds = max_file_seconds
        self._next = 0
        self._path = folder
        self._name = os.fspath(folder)
        self._descriptor = -1
        self._inode = (0, 0)
        self._header = Header(journal, int(folder.name), 0, 0, 0)
        self._offset = 0
        self._opened_at = 0.0
        self._space = Space(max_file_bytes, quota.available)

    def recover(self) -> None:
        """Recover the files of the previous writer, and start a new file. Raises OSError."""
        self._next = recover(self.folder, self._journal, self._quarantine)
        with contextlib.suppress(OSError):  # the first commit tries again and reports the error
            self._open_next()

    def retire(self) -> None:
        """
        Recover a partition that will not be written to any more, and end it with an empty file.

        All its other files can then be deleted once delivered. Raises OSError.
        """
        self._next = recover(self.folder, self._journal, self._quarantine)
        self._open_next()
        self.close()

    def write(self, blocks: Sequence[bytes], carries: int = chunk.ANYTHING, count: int | None = None) -> None:
        """
        Make blocks of events (see base.Appender) durable as one chunk.

        Raises JournalUnavailable; the events may be stored nevertheless.
        """
        data = b"\n".join((*blocks, b""))
        events = len(blocks) if count is None else count
        self._with_open_file(len(data), lambda: self._append(data, events, carries))

    def is_quick(self, size: int) -> bool:
        """
        Return True if `write` needs only one append to store blocks of `size` bytes, with their line ends.

        That is an append to prepared space in an intact file, without checking how much space is left. Even a
        file that has become too old is finished only by `roll_if_due`.
        """
        return (
            self._descriptor >= 0
            and self._space.is_ready(self._offset + chunk.HEADER.size + size)
            and self.quota.is_known_to_allow(size)
            and (self._size_by_name() or 0) >= self._offset
        )

    def probe(self) -> None:
        """Write and sync without appending an event. Raises JournalUnavailable."""
        self._with_open_file(0, self._probe)

    def check(self) -> None:
        """Check that the file still has its name and length; if not, rescue its content and close it."""
        if self._descriptor < 0:
            return
        size = self._size_by_name()
        if size is None:
            rescue.restore(self._path, self._descriptor, self._offset, self._quarantine)
        elif size < self._offset:
            log.error("journal file truncated", file=str(self._path), bytes=self._offset - size)
            end = End(max(START, size), self._next, finished=True)
            with contextlib.suppress(OSError):
                files.write_header(self._descriptor, self._header, end)
        else:
            return
        metrics.JOURNAL_INCIDENTS.labels("file_lost").inc()
        self._close_file()

    def roll_if_due(self) -> None:
        """Finish a file that is large or old enough, and start the next. Call it between commits."""
        if self._offset > START and (
            self._offset >= self._max_file_bytes
            or time.monotonic() - self._opened_at > self._max_file_seconds
        ):
            self.finish()
            with contextlib.suppress(OSError):  # the next commit tries again and reports the error
                self._open_next()

    def finish(self) -> None:
        """Mark the current file as finished and close it; on an I/O error, abandon it."""
        if self._descriptor < 0:
            return
        self._space.detach()
        try:
            os.ftruncate(self._descriptor, self._offset)
            files.write_end(self._descriptor, End(self._offset, self._next, finished=True))
            durable.sync(self._descriptor)
        except OSError:
            return self._abandon()
        self._close_file()

    def close(self) -> None:
        self.finish()
        self._space.close()

    def _with_open_file(self, size: int, action: Callable[[], None]) -> None:
        """Run an action that appends `size` bytes to an open file. Raises only JournalUnavailable."""
        try:
            self.check()
            if self._descriptor < 0:
                self._open_next()
            self.quota.reserve(size)
            action()
        except JournalUnavailable:
            self._roll_after_refusal()
            raise
        except OSError as error:
            if error.errno not in _NO_SPACE_ERRORS:
                self._abandon()
            raise JournalUnavailable(error.strerror or str(error)) from error

    def _probe(self) -> None:
        files.write_end(self._descriptor, End(self._offset, self._next), durably=True)

    def _size_by_name(self) -> int | None:
        """Return the size of the file in bytes, or None if its name is gone or belongs to another file."""
        try:
            found = os.stat(self._name)  # noqa: PTH116  # half the time of Path.stat, before every commit
        except OSError:
            return None
        return found.st_size if (found.st_dev, found.st_ino) == self._inode else None

    def _append(self, data: bytes, count: int, carries: int) -> None:
        new = Chunk(self._next, count, self._header.epoch, files.milliseconds(), carries, data)
        end = self._offset + chunk.HEADER.size + len(data)
        self._space.advance(end)
        started = time.perf_counter()
        done = files.write_durably(self._descriptor, (chunk.encode_header(new), data), self._offset)
        if done != end - self._offset:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        metrics.FSYNC_SECONDS.add(time.perf_counter() - started)
        self._offset, self._next = end, new.end
        files.write_end(self._descriptor, End(end, new.end))

    def _open_next(self) -> None:
        """
        Create the next file, named after the number of its first event. Raises OSError.

        An existing file of that name cannot hold an event that a reader has seen; it is replaced.
        """
        durable.make_folder(self.folder)
        header = Header(
            self._journal,
            int(self.folder.name),
            secrets.randbits(63) | 1,
            self._next,
            files.milliseconds(),
        )
        unnamed, path = self.folder / "next", self.folder / files.name(self._next)
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            files.write_header(descriptor, header, End(START, self._next))
            durable.sync(descriptor)
            if path.is_dir():
                rescue.set_aside(path, self._quarantine, "a folder has the name of the next file")
            unnamed.rename(path)
            durable.sync_folder(self.folder)
            found = os.fstat(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor, self._path, self._name, self._header = descriptor, path, os.fspath(path), header
        self._inode, self._offset, self._opened_at = (found.st_dev, found.st_ino), START, time.monotonic()
        self._space.attach(path, START)

    def _roll_after_refusal(self) -> None:
        """Finish the file, so that it can be deleted once delivered, and start a new one in the reserve."""
        if self._descriptor >= 0 and self._offset > START:
            self.finish()
            try:
                self._open_next()
            except OSError:
                self._abandon()

    def _abandon(self) -> None:
        """Close a file after an I/O error. Its last chunk may later prove valid, although it was refused."""
        metrics.JOURNAL_INCIDENTS.labels("file_abandoned").inc()
        self._close_file()

    def _close_file(self) -> None:
        self._space.detach()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._offset = -1, 0
