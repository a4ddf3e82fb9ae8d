"""
A table of JSON objects by site and id, in a SQLite database that several processes share.

An operator may remove or replace the file at any time; open tables then continue with the file at its path.
"""

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import structlog

from gateway import sqlite
from gateway.errors import JournalUnavailable
from gateway.records.base import Record

log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    site TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (site, id)
) WITHOUT ROWID
"""
# The first version is a merge patch too, so that nulls are never stored.
_MERGE = """
    INSERT INTO records VALUES (?1, ?2, json_patch('{}', ?3))
    ON CONFLICT DO UPDATE SET json = json_patch(json, ?3)
"""


class FileTable:
    """Implements records.base.Table in the file at `path`, which is created if missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._files: sqlite.DatabaseFiles | None = None
        with self._connected():
            pass

    def find(self, site: str, id: str) -> bytes | None:
        with self._connected() as connection:
            return find(connection, site, id)

    def merge(self, site: str, records: Iterable[Record]) -> None:
        with self._connected() as connection, connection:
            rows = ((site, record.id, record.json.decode()) for record in records)
            connection.executemany(_MERGE, rows)

    def remove(self, site: str, id: str) -> None:
        with self._connected() as connection, connection:
            connection.execute("DELETE FROM records WHERE site = ? AND id = ?", (site, id))

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    @contextmanager
    def _connected(self) -> Iterator[apsw.Connection]:
        """Lend a connection, reopened if the file was replaced. Raises JournalUnavailable."""
        try:
            with self._lock:
                if self._connection and self._files and not self._files.are_current():
                    self._files.remove_stale_logs()
                    log.error("records file removed or replaced, reopened", file=str(self._path))
                    self._connection.close()
                    self._connection = None
                if self._connection is None:
                    self._connection = _open(self._path)
                    self._files = sqlite.DatabaseFiles(self._path)
                yield self._connection
        except (apsw.Error, OSError) as error:
            raise JournalUnavailable(f"{self._path}: {error}") from error


def _open(path: Path) -> apsw.Connection:
    """Open the file; create it if it is missing or damaged. Raises apsw.Error and OSError."""
    with _locked(path.parent):
        try:
            return _open_or_create(path)
        except sqlite.DAMAGE as error:
            aside = sqlite.set_aside(path, "damaged")
            log.error("records file damaged, recreated", file=str(path), error=str(error), kept=str(aside))
            return _open_or_create(path)


def _open_or_create(path: Path) -> apsw.Connection:
    connection = sqlite.open_for_writing(path, create=True)
    try:
        connection.execute(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from opening a table in this folder during the block. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def find(connection: apsw.Connection, site: str, id: str) -> bytes | None:
    """Return an object as JSON, or None if there is none. Raises apsw.Error."""
    found = connection.execute("SELECT json FROM records WHERE site = ? AND id = ?", (site, id)).get
    return None if found is None else str(found).encode()
