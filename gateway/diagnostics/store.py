"""
A database of diagnostics: written in batches off the hot path, never synced, bounded in age and size.

It may be lost without other harm: one that is damaged, or of another version, is deleted and recreated.
"""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import structlog

from gateway import durable, sqlite
from gateway.errors import StateUnavailable

log = structlog.get_logger()

_VERSION = 1
_BUSY_TIMEOUT_MS = 2000
_DELETED_ROWS = 200  # at a time, so that no other process waits long
_FULL_AFTER_TRIM = 0.95  # so that not every batch has to trim
# Space that is left free, so that events and positions can still be written: the smaller of 128 MB and 1/8 of
# the disk, which is twice what the journal leaves for the positions.
_RESERVE_BYTES = 128 * 1024**2
_RESERVE_SHARE = 8


class Shape(NamedTuple):
    """The tables of a database, and how much it keeps."""

    file: str
    schema: str
    rows: str
    """The table that is trimmed, oldest `id` first; it has `expires_at` in milliseconds since 1970."""
    max_bytes: int


class Store:
    """
    One database, open for writing, possibly in several processes. For use by one thread at a time.

    No method raises: what cannot be written is lost, which is logged once.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        self._shape = shape
        self._path = folder / shape.file
        self._connection: apsw.Connection | None = None
        self._files: sqlite.DatabaseFiles | None = None
        self._failure = ""

    def write(self, work: Callable[[apsw.Connection], object], now: int) -> bool:
        """
        Do some work in one transaction, and trim; return whether it succeeded.

        `now` is in milliseconds since 1970.
        """
        try:
            try:
                self._write(work, now)
            except sqlite.DAMAGE:
                self._delete()
                self._write(work, now)
        except (apsw.Error, OSError) as error:
            self.close()
            if str(error) != self._failure:
                log.warning("diagnostics not written", file=str(self._path), error=str(error))
            self._failure = str(error)
            return False
        self._failure = ""
        return True

    def close(self) -> None:
        """Close the database; the next `write` opens it again."""
        if self._connection:
            self._connection.close()
        self._connection = self._files = None

    def _write(self, work: Callable[[apsw.Connection], object], now: int) -> None:
        connection = self._open()
        self._check_space()
        connection.execute("BEGIN IMMEDIATE")
        try:
            work(connection)
            self._trim(connection, now)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _check_space(self) -> None:
        """Raise OSError if the disk is nearly full."""
        disk = os.statvfs(self._path.parent)
        reserve = min(_RESERVE_BYTES, disk.f_blocks * disk.f_frsize // _RESERVE_SHARE)
        if disk.f_bavail * disk.f_frsize < reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> apsw.Connection:
        if self._files and not self._files.are_current():  # an operator, or another process, has deleted it
            self._files.remove_stale_logs()
            self.close()
        if self._connection is None:
            durable.make_folder(self._path.parent)
            self._connection = self._connect()
            if self._connection.pragma("user_version") != _VERSION:
                self._delete()
                self._connection = self._connect()
            self._files = sqlite.DatabaseFiles(self._path)
        return self._connection

    def _connect(self) -> apsw.Connection:
        connection = sqlite.open_for_writing(self._path, create=True, busy_timeout=_BUSY_TIMEOUT_MS)
        try:
            connection.pragma("synchronous", "OFF")
            connection.execute("BEGIN IMMEDIATE")  # another process may be creating it, too
            if not connection.execute("SELECT count(*) FROM sqlite_schema").get:
                connection.execute(self._shape.schema)
                connection.pragma("user_version", _VERSION)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _delete(self) -> None:
        self.close()
        log.warning("diagnostics begun anew", file=str(self._path))
        for suffix in ("", *sqlite.LOGS):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _trim(self, connection: apsw.Connection, now: int) -> None:
        """Delete what has expired, and the oldest rows of a database that is too large."""
        table = self._shape.rows
        connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE expires_at < ? LIMIT ?)",  # noqa: S608  # constants only
            (now, _DELETED_ROWS),
        )
        if _used_bytes(connection) <= self._shape.max_bytes:
            return
        while _used_bytes(connection) > _FULL_AFTER_TRIM * self._shape.max_bytes:
            connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT ?)",  # noqa: S608
                (_DELETED_ROWS,),
            )
            if not connection.changes():
                return


def _used_bytes(connection: apsw.Connection) -> int:
    pages, free = connection.pragma("page_count"), connection.pragma("freelist_count")
    return int((pages - free) * connection.pragma("page_size"))


def fetch(folder: Path, shape: Shape, statement: str, values: Sequence[object] = ()) -> list[Any]:
    """
    Return the rows of a query: none if there is no such database yet, or it is being recreated.

    Raises StateUnavailable.
    """
    path = folder / shape.file
    try:
        with closing(sqlite.open_for_reading(path)) as connection:
            return connection.execute(statement, values).fetchall()
    except (apsw.CantOpenError, *sqlite.DAMAGE):
        return []
    except apsw.SQLError as error:
        if "no such table" in str(error):
            return []
        raise
    except apsw.Error as error:
        raise StateUnavailable(f"{path}: {error}") from error
