"""SQLite databases, through apsw: create, open, check and set aside."""

import os
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import apsw

from gateway.errors import ConfigError

# Before 3.51.3, a checkpoint that raced with a writer could corrupt the database:
# https://www.sqlite.org/wal.html#walresetbug
OLDEST_SQLITE = (3, 51, 3)

DAMAGE = (apsw.CorruptError, apsw.NotADBError)
"""The exceptions for a file whose content is damaged or is not a database."""

MAX_INTEGER = 2**63 - 1
"""The largest number that a column or a parameter can hold."""

MAX_PATH_BYTES = 504
"""After resolving links: SQLite's limit is 512, and the name of a log is up to 8 bytes longer."""

LOGS = ("-wal", "-shm")
"""The suffixes of the files that SQLite creates for a database in WAL mode."""


def open_for_writing(
    path: Path, *, create: bool = False, page_size: int = 4096, busy_timeout: int = 5000
) -> apsw.Connection:
    """
    Open a database for writing, with a sync at every commit.

    `create` creates a missing file, with mode 0600. `page_size` is in bytes and applies to new files.
    `busy_timeout` is how long to wait for another writer, in milliseconds. Raises apsw.Error, and OSError if
    the file cannot be created.
    """
    if create:
        _create(path)
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(busy_timeout)
        connection.pragma("page_size", page_size)
        _switch_to_wal(connection, busy_timeout)
        connection.pragma("synchronous", "FULL")
        connection.pragma("fullfsync", 1)  # macOS: fsync does not flush the drive's cache
        connection.pragma("mmap_size", 0)
        connection.pragma("temp_store", "MEMORY")
        connection.pragma("trusted_schema", 0)
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: apsw.Connection, busy_timeout: int) -> None:
    """Switch the mode, even while another process does so; SQLite itself does not wait for that."""
    end = time.monotonic() + busy_timeout / 1000
    while True:
        try:
            connection.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.005)


def _create(path: Path) -> None:
    try:
        # Never open an existing file: closing a descriptor of a database would release SQLite's locks.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    os.fchmod(descriptor, 0o600)  # the umask may have removed more permissions
    os.close(descriptor)


def open_for_reading(path: Path) -> apsw.Connection:
    """Open a database read-only, concurrently with a writer; never checkpoints. Raises apsw.Error."""
    connection = apsw.Connection(
        f"file:{_quote(path)}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    )
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.set_busy_timeout(1000)
    return connection


def _quote(path: Path) -> str:
    return os.fspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def check_writable(path: Path) -> None:
    """Raise ConfigError if a database cannot be written, for example by this user."""
    try:
        with closing(open_for_writing(path, busy_timeout=0)) as connection:
            if connection.readonly("main"):  # BEGIN IMMEDIATE would succeed nevertheless
                raise ConfigError(f"[journal] path: {path}: this user cannot write to it")
            connection.execute("BEGIN IMMEDIATE; ROLLBACK")
    except (apsw.BusyError, *DAMAGE):
        pass  # another process is writing; damage is handled where the database is used
    except apsw.Error as error:
        raise ConfigError(f"[journal] path: {path}: {error}") from error


def check_pages(connection: apsw.Connection) -> None:
    """Read the whole database, and raise one of DAMAGE if a page is damaged."""
    found = connection.pragma("quick_check", 1)
    if found != "ok":
        raise apsw.CorruptError(str(found))


def identity(path: Path) -> tuple[int, int]:
    """Return device and inode of the file at `path`. Raises FileNotFoundError."""
    found = path.stat()
    return found.st_dev, found.st_ino


class DatabaseFiles:
    """
    The identities of a database file and its logs, recorded while a connection has them open.

    An operator may remove or replace the database while it is open; this class detects it.
    """

    def __init__(self, path: Path) -> None:
        """Record the files at `path`. Raises OSError, also if there is no such database."""
        self._path = path
        self._database = identity(path)
        self._logs = {}
        for suffix in LOGS:
            log = Path(f"{path}{suffix}")
            with suppress(FileNotFoundError):
                self._logs[log] = identity(log)

    def are_current(self) -> bool:
        """Return True unless the database was removed or replaced. Raises OSError."""
        return _is(self._path, self._database)

    def remove_stale_logs(self) -> None:
        """
        Delete the logs of the recorded database after it was removed or replaced. Raises OSError.

        SQLite would otherwise apply them to the new database, and share them with connections to the old.
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
    """Rename a database and its logs to `NAME.WORD-TIME`, and return the new path. Raises OSError."""
    aside = path.with_name(f"{path.name}.{word}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    # The database is renamed last: remaining logs would be applied to a new database of this name.
    for suffix in (*LOGS, ""):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.rename(f"{aside}{suffix}")
    return aside


def check_sqlite() -> None:
    """Raise ConfigError if the SQLite in apsw is older than OLDEST_SQLITE."""
    version = tuple(map(int, apsw.sqlite_lib_version().split(".")))
    if version < OLDEST_SQLITE:
        raise ConfigError(
            f"apsw includes SQLite {apsw.sqlite_lib_version()}; the gateway needs"
            f" {'.'.join(map(str, OLDEST_SQLITE))} or later: pip install --upgrade apsw"
        )
