"""A shard as its writer's thread sees it: the file it appends to, and when to start another."""

import time
from collections.abc import Sequence
from pathlib import Path

import apsw
import structlog

from gateway import metrics
from gateway.errors import JournalUnavailable
from gateway.journal import files
from gateway.journal.room import Room

log = structlog.get_logger()

_CHECKPOINT_AT = 4 * 1024 * 1024  # bytes written to the log; a checkpoint of them takes some 10 ms
_STARVED_AT = 64 * 1024 * 1024  # bytes in a log that some reader does not let go of

# How far a file that cannot be read is skipped: no file holds as many events.
_UNKNOWN = 10_000_000


class Shard:
    """
    Not for more than one thread.

    A file is finished at `seal_at` bytes or after `seal_after` seconds, so that it can be deleted whole;
    and at once when SQLite reports an I/O error, so that nothing is tried again on a descriptor whose
    sync has failed.
    """

    def __init__(self, folder: Path, room: Room, seal_at: int, seal_after: float) -> None:
        self.folder = folder
        self.room = room
        self.seal_at = seal_at
        self.seal_after = seal_after
        self.unchecked = 0
        """Bytes written since the last checkpoint."""
        self._file: files.File | None = None
        self._connection: apsw.Connection | None = None
        self._written = 0
        self._opened = 0.0
        self._next = self._follows = self._skipped = 0

    def recover(self) -> None:
        """Take over what a predecessor left, however it ended."""
        existing = files.files(self.folder)
        for file in existing:
            if file.log_size():
                try:
                    files.seal(file)
                except apsw.Error as error:
                    log.warning("journal file left as it is", file=str(file.path), error=str(error))
        for file in reversed(existing):
            end = _end(file)
            if end or file is existing[0]:
                self._next, self._follows, self._skipped = end or (file.first, file.first, 0)
                self._next = max(self._next, existing[-1].first)
                return

    def retire(self) -> None:
        """Give a shard that has no writer any more a last file without events, so that all others can go."""
        self.recover()
        self._open()
        self.finish()

    def write(self, lines: Sequence[bytes]) -> None:
        """Commit the lines as one chunk, or raise JournalUnavailable."""
        data = b"\n".join(lines)
        if data.count(b"\n") >= max(1, len(lines)):
            raise JournalUnavailable("a line has a line break in it")  # and would cost the others their place
        try:
            self.room.take(len(data))
        except JournalUnavailable:
            self._make_room()
            raise
        try:
            connection = self._open()
            started = time.perf_counter()
            if lines:
                connection.execute(
                    "INSERT INTO chunks VALUES (?, ?, ?, ?, ?)",
                    (
                        self._next,
                        len(lines),
                        time.time_ns() // 1_000_000,
                        files.checksum(self._next, data),
                        data,
                    ),
                )
            else:
                connection.execute("INSERT OR REPLACE INTO probe VALUES (1, unixepoch())")
            metrics.FSYNC_SECONDS.add(time.perf_counter() - started)
        except (apsw.FullError, apsw.BusyError) as error:
            raise JournalUnavailable(str(error)) from error  # rolled back, and nothing is broken
        except (apsw.Error, OSError) as error:
            # The rows may be there all the same: their numbers must not be given out again.
            self._next += max(1, len(lines))
            self._abandon(error)
            raise JournalUnavailable(str(error)) from error
        self._next += len(lines)
        self._follows = self._next
        self._written += len(data)
        self.unchecked += len(data)

    def tidy(self) -> None:
        """After a commit, when nobody waits any more: start another file, or empty the log."""
        old = time.monotonic() - self._opened > self.seal_after
        if self._written and (self._written >= self.seal_at or old):
            self.finish()
        elif self.unchecked >= _CHECKPOINT_AT:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Move what the log holds into the file, as far as readers let us."""
        if not self._connection or not self._file:
            return
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self._abandon(error)
        else:
            self.unchecked = 0
            if self._file.log_size() > _STARVED_AT:
                self.finish()

    def finish(self) -> None:
        """Write no more to this file."""
        if not self._connection or not self._file:
            return
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._connection.close()
        except apsw.BusyError:
            self._connection.close()  # a reader is in the log; it stays, and is emptied at the next start
        except apsw.Error as error:
            return self._abandon(error)
        self._forget()

    def _make_room(self) -> None:
        """Finish the file, and begin another in the reserve, so that the old one can go once delivered."""
        if self._written:
            self.finish()
            try:
                self._open()
            except (apsw.Error, OSError) as error:
                self._abandon(error)

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            skipped = self._skipped + self._next - self._follows
            self._file, self._connection = files.create(self.folder, self._next, self._follows, skipped)
            self._skipped = skipped
            self._opened = time.monotonic()
        return self._connection

    def _abandon(self, error: Exception) -> None:
        log.error("journal file abandoned", file=self._file and str(self._file.path), error=str(error))
        if self._connection:
            files.close_as_is(self._connection)
        if self._file and self._next == self._file.first:
            self._next += 1  # its name is not used again either
        self._forget()

    def _forget(self) -> None:
        self._file = self._connection = None
        self._written = self.unchecked = 0


def _end(file: files.File) -> tuple[int, int, int] | None:
    """
    One past a file's last event, one past the last one acknowledged, and how many numbers were skipped;
    None if it was never finished being made.
    """
    try:
        connection = files.open_for_reading(file.path)
        try:
            if not files.is_made(connection):
                return None
            last = connection.execute(files.LAST).get
            follows, skipped = connection.execute("SELECT * FROM opened").get
        finally:
            connection.close()
    except (apsw.Error, TypeError) as error:  # TypeError if the row is gone
        log.warning("journal file unreadable", file=str(file.path), error=str(error))
        return file.first + _UNKNOWN, file.first, 0
    # Numbers skipped before an empty file are skipped again before the next.
    return (file.first, follows, skipped - file.first + follows) if last is None else (last, last, skipped)
