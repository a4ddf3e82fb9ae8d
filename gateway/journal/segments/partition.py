"""A partition as the thread of its only writer sees it: the file it appends to, and when to begin another."""

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
from gateway.journal.segments.files import START, End, Head
from gateway.journal.segments.quota import Quota
from gateway.journal.segments.recovery import recover
from gateway.journal.segments.space import Space

log = structlog.get_logger()

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors after which the same file may be written to again: nothing about it has failed."""


class Partition:
    """
    Appends chunks. Not for more than one thread.

    A file is finished at `largest` bytes or after `oldest` seconds, so that it can be deleted whole; and at
    once after an I/O error, so that nothing is tried again on a descriptor whose sync has failed.
    """

    def __init__(
        self, folder: Path, journal: bytes, quarantine: Path, quota: Quota, largest: int, oldest: float
    ) -> None:
        self.folder = folder
        self.quota = quota
        self._journal = journal
        self._quarantine = quarantine
        self._largest = largest
        self._oldest = oldest
        self._next = 0
        self._path = folder
        self._name = os.fspath(folder)
        self._descriptor = -1
        self._inode = (0, 0)
        self._head = Head(journal, int(folder.name), 0, 0, 0)
        self._offset = 0
        self._begun = 0.0
        self._space = Space(largest, quota.available)

    def recover(self) -> None:
        """Take over what a predecessor left, however it ended. Raises OSError."""
        self._next = recover(self.folder, self._journal, self._quarantine)
        with contextlib.suppress(OSError):  # else the first commit says it
            self._begin()

    def retire(self) -> None:
        """Leave a last file without events, so that all others can be deleted: nobody will write any more."""
        self._next = recover(self.folder, self._journal, self._quarantine)
        self._begin()
        self.close()

    def write(self, blocks: Sequence[bytes], carries: int = chunk.ANYTHING, count: int | None = None) -> None:
        """Make blocks of events durable as one chunk (see base.Appender); or raise JournalUnavailable."""
        data = b"\n".join((*blocks, b""))
        self._attempt(len(data), lambda: self._append(data, len(blocks) if count is None else count, carries))

    def probe(self) -> None:
        """Write something and sync it; or raise JournalUnavailable."""
        self._attempt(0, self._probe)

    def check(self) -> None:
        """See whether the file still has its name and its length; if not, save what can be and leave it."""
        if self._descriptor < 0:
            return
        try:
            found = os.stat(self._name)  # noqa: PTH116  # before every commit, at half the price
        except OSError:
            found = None
        if found and (found.st_dev, found.st_ino) == self._inode:
            if found.st_size >= self._offset:
                return
            log.error("journal file was truncated", file=str(self._path), bytes=self._offset - found.st_size)
            end = End(max(START, found.st_size), self._next, finished=True)
            with contextlib.suppress(OSError):
                files.write_head(self._descriptor, self._head, end)
        else:
            rescue.restore(self._path, self._descriptor, self._offset, self._quarantine)
        metrics.JOURNAL_INCIDENTS.labels("file_lost").inc()
        self._leave()

    def tidy(self) -> None:
        """When nobody waits: finish a file that is large or old enough, and begin the next one."""
        if self._offset > START and (
            self._offset >= self._largest or time.monotonic() - self._begun > self._oldest
        ):
            self.finish()
            with contextlib.suppress(OSError):  # else the next commit says it
                self._begin()

    def finish(self) -> None:
        """Write no more to this file."""
        if self._descriptor < 0:
            return
        self._space.leave()
        try:
            os.ftruncate(self._descriptor, self._offset)
            files.write_end(self._descriptor, End(self._offset, self._next, finished=True))
            durable.sync(self._descriptor)
        except OSError:
            return self._abandon()
        self._leave()

    def close(self) -> None:
        self.finish()
        self._space.close()

    def _attempt(self, size: int, action: Callable[[], None]) -> None:
        """Do it with a file that has room for `size` more bytes; every OSError is JournalUnavailable."""
        try:
            self.check()
            if self._descriptor < 0:
                self._begin()
            self.quota.reserve(size)
            action()
        except JournalUnavailable:
            self._make_room()
            raise
        except OSError as error:
            if error.errno not in _NO_ROOM:
                self._abandon()
            raise JournalUnavailable(error.strerror or str(error)) from error

    def _probe(self) -> None:
        files.write_end(self._descriptor, End(self._offset, self._next), durably=True)

    def _append(self, data: bytes, count: int, carries: int) -> None:
        new = Chunk(self._next, count, self._head.epoch, files.milliseconds(), carries, data)
        end = self._offset + chunk.HEAD.size + len(data)
        self._space.use(end)
        started = time.perf_counter()
        done = files.write_durably(self._descriptor, (chunk.head(new), data), self._offset)
        if done != end - self._offset:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        metrics.FSYNC_SECONDS.add(time.perf_counter() - started)
        self._offset, self._next = end, new.end
        files.write_end(self._descriptor, End(end, new.end))

    def _begin(self) -> None:
        """
        Make the next file, under a name that says the number of its first event.

        A file of that name can have no event that was ever seen: it is replaced.
        """
        durable.make_folder(self.folder)
        head = Head(
            self._journal,
            int(self.folder.name),
            secrets.randbits(63) | 1,
            self._next,
            files.milliseconds(),
        )
        unnamed, path = self.folder / "next", self.folder / files.name(self._next)
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            files.write_head(descriptor, head, End(START, self._next))
            durable.sync(descriptor)
            if path.is_dir():
                rescue.set_aside(path, self._quarantine, "a folder has the name of the next file")
            unnamed.rename(path)
            durable.sync_folder(self.folder)
            found = os.fstat(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor, self._path, self._name, self._head = descriptor, path, os.fspath(path), head
        self._inode, self._offset, self._begun = (found.st_dev, found.st_ino), START, time.monotonic()
        self._space.follow(path, START)

    def _make_room(self) -> None:
        """Finish the file, so that it can be deleted once delivered, and begin another in the reserve."""
        if self._descriptor >= 0 and self._offset > START:
            self.finish()
            try:
                self._begin()
            except OSError:
                self._abandon()

    def _abandon(self) -> None:
        """Leave a file as it is: its last chunk may be durable or not, and nobody is told of it."""
        metrics.JOURNAL_INCIDENTS.labels("file_abandoned").inc()
        self._leave()

    def _leave(self) -> None:
        self._space.leave()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._offset = -1, 0
