"""
A table of JSON objects by site and id, in a file of its own, that several processes share.

Somebody may remove the file or put another in its place at any time: whoever has it open goes on with the one
that has its name.
"""

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw
import structlog

from gateway import sqlite
from gateway.errors import JournalUnavailable

log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    site TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (site, id)
) WITHOUT ROWID
"""
# A merge patch also for the first version, so that no null is ever kept.
_MERGE = """
    INSERT INTO records VALUES (?1, ?2, json_patch('{}', ?3))
    ON CONFLICT DO UPDATE SET json = json_patch(json, ?3)
"""


class Record(NamedTuple):
    id: str
    json: bytes
    """An object, valid UTF-8."""


class Table:
    """For all threads of one process. What has returned is on stable storage; else JournalUnavailable."""

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
        """Put all of them in, each over what is there: fields win, objects are merged, null takes away."""
        with self._connected() as connection, connection:
            rows = ((site, record.id, record.json.decode()) for record in records)
            connection.executemany(_MERGE, rows)

    def remove(self, site: str, id: str) -> None:
        """It is as well if there is none."""
        with self._connected() as connection, connection:
            connection.execute("DELETE FROM records WHERE site = ? AND id = ?", (site, id))

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    @contextmanager
    def _connected(self) -> Iterator[apsw.Connection]:
        """Lend the connection to the file that has the name now. JournalUnavailable."""
        try:
            with self._lock:
                if self._connection and self._files and not self._files.are_current():
                    self._files.remove_stale_logs()
                    log.error(
                        "records were removed or replaced, going on with what is there", file=str(self._path)
                    )
                    self._connection.close()
                    self._connection = None
                if self._connection is None:
                    self._connection = _open(self._path)
                    self._files = sqlite.DatabaseFiles(self._path)
                yield self._connection
        except (apsw.Error, OSError) as error:
            raise JournalUnavailable(f"{self._path}: {error}") from error


def _open(path: Path) -> apsw.Connection:
    """Open the file, made anew if it is missing or damaged; apsw.Error, OSError."""
    with _locked(path.parent):
        try:
            return _open_or_create(path)
        except sqlite.DAMAGE as error:
            aside = sqlite.set_aside(path, "damaged")
            log.error("records damaged, begun anew", file=str(path), error=str(error), kept=str(aside))
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
    """Wait until no other process opens a table in this folder; OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def find(connection: apsw.Connection, site: str, id: str) -> bytes | None:
    found = connection.execute("SELECT json FROM records WHERE site = ? AND id = ?", (site, id)).get
    return None if found is None else str(found).encode()
