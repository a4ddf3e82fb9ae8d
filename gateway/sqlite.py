"""SQLite by apsw: how its files are made, opened, checked and set aside."""

import os
from datetime import UTC, datetime
from pathlib import Path

import apsw

from gateway.errors import ConfigError

# Before 3.51.3 a checkpoint could meet a writer that reset the log, and the database was damaged.
OLDEST_SQLITE = (3, 51, 3)

DAMAGE = (apsw.CorruptError, apsw.NotADBError)
"""What SQLite raises where the bytes of a file are not those that were written."""

MAX_PATH_BYTES = 504
"""Bytes, with links resolved: SQLite stops at 512, and a log's name is 8 bytes longer at the most."""

LOGS = ("-wal", "-shm")
"""What is appended to a database's name for the files beside it."""


def open_for_writing(
    path: Path, *, create: bool = False, page_size: int = 4096, busy_timeout: int = 5000
) -> apsw.Connection:
    """
    Open with every commit synced; a file that `create` makes is its owner's alone, and so are its logs.

    `page_size` is in bytes, and for new files; `wait` is how long another process may write, in
    milliseconds. Raises apsw.Error, or OSError if the file cannot be made.
    """
    if create:
        _create(path)
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(busy_timeout)
        connection.pragma("page_size", page_size)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "FULL")
        connection.pragma("fullfsync", 1)  # macOS: fsync alone stops at the drive's cache
        connection.pragma("mmap_size", 0)
        connection.pragma("temp_store", "MEMORY")
        connection.pragma("trusted_schema", 0)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    try:
        # Never an existing file: to close a descriptor of a database would release SQLite's own locks.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    os.fchmod(descriptor, 0o600)  # the umask may have taken away more
    os.close(descriptor)


def open_for_reading(path: Path) -> apsw.Connection:
    """Open beside a writer that may be at work, and never checkpoint in its place; apsw.Error."""
    connection = apsw.Connection(
        f"file:{_quote(path)}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    )
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.set_busy_timeout(1000)
    return connection


def _quote(path: Path) -> str:
    return os.fspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def check_pages(connection: apsw.Connection) -> None:
    """Read the whole database; one of DAMAGE if a page of it cannot be what was written."""
    found = connection.pragma("quick_check", 1)
    if found != "ok":
        raise apsw.CorruptError(str(found))


def identity(path: Path) -> tuple[int, int]:
    """Which file has this name now, whatever is written in it; FileNotFoundError if none has."""
    found = path.stat()
    return found.st_dev, found.st_ino


class DatabaseFiles:
    """The files that have the names of a database and its logs, noted while a connection has them open."""

    def __init__(self, path: Path) -> None:
        """OSError, also if there is no such database."""
        self._path = path
        self._database = identity(path)
        logs = [Path(f"{path}{suffix}") for suffix in LOGS]
        self._logs = {log: identity(log) for log in logs if log.exists()}

    def are_current(self) -> bool:
        """Whether the database has its name: somebody may have removed or replaced it. OSError."""
        return _is(self._path, self._database)

    def remove_stale_logs(self) -> None:
        """
        Delete the logs that are left of the database once it has lost its name. OSError.

        They would be taken for those of the one that has its name now, and be shared with whoever still has
        the old one open.
        """
        for log, known in self._logs.items():
            if _is(log, known):
                log.unlink(missing_ok=True)


def _is(path: Path, known: tuple[int, int]) -> bool:
    try:
        return identity(path) == known
    except FileNotFoundError:
        return False


def set_aside(path: Path, word: str) -> Path:
    """Rename a database with its logs to `NAME.WORD-TIME`, and return its new path; OSError."""
    aside = path.with_name(f"{path.name}.{word}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    # The database goes last: the logs of one would be taken for those of the next.
    for suffix in (*LOGS, ""):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.rename(f"{aside}{suffix}")
    return aside


def check_sqlite() -> None:
    """Refuse to start on a SQLite that can damage a database: ConfigError."""
    version = tuple(map(int, apsw.sqlite_lib_version().split(".")))
    if version < OLDEST_SQLITE:
        raise ConfigError(
            f"apsw comes with SQLite {apsw.sqlite_lib_version()}; the gateway needs"
            f" {'.'.join(map(str, OLDEST_SQLITE))} or later: pip install --upgrade apsw"
        )
