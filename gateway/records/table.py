"""A table of JSON objects by site and id, in a file of its own, that several processes share."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import apsw

from gateway import sqlite
from gateway.errors import JournalUnavailable

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
        self._turn = threading.Lock()
        try:
            self._connection = sqlite.open_for_writing(path, create=True)
            self._connection.execute(_SCHEMA)
        except (apsw.Error, OSError) as error:
            raise JournalUnavailable(f"{path}: {error}") from error

    def find(self, site: str, id: str) -> bytes | None:
        try:
            with self._turn:
                return find(self._connection, site, id)
        except apsw.Error as error:
            raise JournalUnavailable(str(error)) from error

    def merge(self, site: str, records: Iterable[Record]) -> None:
        """Put all of them in, each over what is there: fields win, objects are merged, null takes away."""
        try:
            with self._turn, self._connection as connection:
                rows = ((site, record.id, record.json.decode()) for record in records)
                connection.executemany(_MERGE, rows)
        except apsw.Error as error:
            raise JournalUnavailable(str(error)) from error

    def remove(self, site: str, id: str) -> None:
        """It is as well if there is none."""
        try:
            with self._turn, self._connection as connection:
                connection.execute("DELETE FROM records WHERE site = ? AND id = ?", (site, id))
        except apsw.Error as error:
            raise JournalUnavailable(str(error)) from error

    def close(self) -> None:
        self._connection.close()


def find(connection: apsw.Connection, site: str, id: str) -> bytes | None:
    found = connection.execute("SELECT json FROM records WHERE site = ? AND id = ?", (site, id)).get
    return None if found is None else str(found).encode()


def people(journal: Path) -> Path:
    """Where the people of a gateway are, given its journal; so are the products."""
    return journal.parent / "people.db"


def products(journal: Path) -> Path:
    return journal.parent / "products.db"
