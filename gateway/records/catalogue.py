"""The products in a file, as delivery reads them. An operator may remove or replace the file at any time."""

from pathlib import Path

import apsw

from gateway import sqlite
from gateway.records.table import find


class FileCatalogue:
    """Implements records.base.Catalogue. Its errors are OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: sqlite.DatabaseFiles | None = None
        self._connection: apsw.Connection | None = None
        self._version: object = None
        self._opened = 0
        """How often the file was opened; each time, its versions are counted anew."""

    def version(self) -> object:
        try:
            if self._files and not self._files.are_current():
                self._files.remove_stale_logs()
                self.close()
            if self._connection is None:
                if not self._path.exists():
                    return None
                self._connection = sqlite.open_for_reading(self._path)
                self._opened += 1
            version = self._connection.pragma("data_version")
            if version != self._version:
                self._files = sqlite.DatabaseFiles(self._path)  # its logs come and go with its writers
                self._version = version
        except apsw.Error as error:
            raise OSError(str(error)) from error
        return self._opened, version

    def find(self, site: str, id: str) -> bytes | None:
        assert self._connection
        try:
            return find(self._connection, site, id)
        except apsw.Error as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self._files = self._version = None
