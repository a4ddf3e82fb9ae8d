"""
state.db: a SQLite database that several processes write, and that belongs to one journal.

Only `prepare` creates and checks the file or sets it aside, in the process that owns the gateway's folder. A
process that has the file open stops writing as soon as the file is removed or replaced.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import apsw
import structlog

from gateway import sqlite
from gateway.errors import ConfigError, StateLost, StateUnavailable
from gateway.state.base import Connection

log = structlog.get_logger()

_VERSION = 2
_BUSY_TIMEOUT_MS = 10_000
"""Time to wait for a write of another process."""
_RECREATED = "state recreated, retained events are delivered again"
_CHECKPOINT_PAGES = 250
"""The size of the write-ahead log, in pages of 4 KB, at which it is checkpointed."""

_SCHEMA = """
CREATE TABLE meta (version INTEGER NOT NULL, journal BLOB NOT NULL);
CREATE TABLE progress (
    sink TEXT NOT NULL,
    partition TEXT NOT NULL,
    epoch INTEGER NOT NULL,     -- of the event before the position; 0: unknown
    position INTEGER NOT NULL,  -- number of the next event
    tallies TEXT NOT NULL,      -- {outcome: {reason: events}}
    intent TEXT NOT NULL,       -- the batch that begins at the position, see intents.py; '': unknown
    PRIMARY KEY (sink, partition)
) WITHOUT ROWID;
CREATE TABLE receipts (sink TEXT PRIMARY KEY, receipt BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    verb TEXT NOT NULL,
    argument TEXT NOT NULL,
    placed_at INTEGER NOT NULL,  -- milliseconds since 1970, as done_at
    done_at INTEGER,             -- NULL: pending
    result TEXT
);
CREATE INDEX pending ON orders (sink) WHERE done_at IS NULL;
CREATE TABLE paused (sink TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE statuses (
    sink TEXT PRIMARY KEY,
    state TEXT NOT NULL,        -- up, retrying, misconfigured
    class TEXT NOT NULL,        -- of the last error; '': none
    message TEXT NOT NULL,
    since INTEGER NOT NULL,     -- milliseconds since 1970
    retries INTEGER NOT NULL,   -- since the sink was first used
    held INTEGER NOT NULL       -- 1: until an operator resumes the sink
) WITHOUT ROWID;
CREATE TABLE dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sink TEXT NOT NULL,
    partition TEXT NOT NULL,
    position INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    batch TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    answer TEXT NOT NULL,
    tries INTEGER NOT NULL,
    first_failed_at INTEGER NOT NULL,  -- milliseconds since 1970, as last_failed_at
    last_failed_at INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    event TEXT NOT NULL,
    user_id TEXT NOT NULL,
    anonymous_id TEXT NOT NULL,
    canonical BLOB NOT NULL,
    job INTEGER,                       -- the job that retries it; NULL: none
    UNIQUE (sink, partition, position, epoch)
);
CREATE INDEX retried ON dead (job, partition, position) WHERE job IS NOT NULL;
CREATE TABLE dead_bytes (sink TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sink TEXT NOT NULL,
    kind TEXT NOT NULL,         -- retry, replay
    state TEXT NOT NULL,        -- running, done, cancelled, failed
    rate REAL NOT NULL,         -- events per second; 0: unlimited
    filters TEXT NOT NULL,      -- JSON, see jobs.py
    positions TEXT NOT NULL,    -- {partition: [next, end, intent]}
    created_at INTEGER NOT NULL,
    events INTEGER NOT NULL,    -- to send
    sent INTEGER NOT NULL,
    refused INTEGER NOT NULL
);
CREATE INDEX running ON jobs (sink) WHERE state = 'running';
CREATE TABLE indexed (
    partition TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,     -- of the event before the position; 0: unknown
    position INTEGER NOT NULL   -- number of the first event without a verdict
) WITHOUT ROWID;
CREATE TABLE duplicates (
    partition TEXT NOT NULL,
    number INTEGER NOT NULL,    -- of an event that is a duplicate
    PRIMARY KEY (partition, number)
) WITHOUT ROWID;
"""


def prepare(path: Path, journal: bytes, *, expected: bool = False) -> None:
    """
    Ensure that there is a state of this journal. Only the process that owns the gateway's folder may call it.

    A state that is damaged or belongs to another journal is set aside with a warning and recreated; delivery
    then starts again with the oldest retained event. `expected` logs a warning if there is no state yet.
    Raises ConfigError if the state has another version or cannot be written.
    """
    try:
        try:
            if expected and not path.exists():
                log.warning(_RECREATED, because="missing", file=str(path))
            version, owner = _create(path, journal)
        except sqlite.DAMAGE as error:
            _recreate(path, journal, "damaged", error=str(error))
            return
        if version != _VERSION:
            raise ConfigError(
                f"{path} has version {version}; this gateway requires version {_VERSION}: move it away,"
                " and sinks start with the oldest retained event"
            )
        if owner != journal:
            _recreate(path, journal, "other", names=owner.hex())
    except apsw.Error as error:
        raise ConfigError(f"{path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _create(path: Path, journal: bytes) -> tuple[int, bytes]:
    """Create the database or its schema if missing; return the version and the journal it holds."""
    with closing(sqlite.open_for_writing(path, create=True, busy_timeout=_BUSY_TIMEOUT_MS)) as connection:
        sqlite.check_pages(connection)
        with connection:
            if not connection.execute("SELECT count(*) FROM sqlite_schema").get:
                connection.execute(_SCHEMA)
                connection.execute("INSERT INTO meta VALUES (?, ?)", (_VERSION, journal))
        return _read_meta(connection)


def _recreate(path: Path, journal: bytes, word: str, **facts: str) -> None:
    aside = sqlite.set_aside(path, word)
    log.warning(_RECREATED, because=word, kept=str(aside), **facts)
    _create(path, journal)


def _read_meta(connection: Connection) -> tuple[int, bytes]:
    """Return version and journal; version 0 if the database has another schema."""
    try:
        version, journal = connection.execute("SELECT version, journal FROM meta").get
        return int(version), bytes(journal)
    except (apsw.SQLError, TypeError):
        return 0, b""


class Database:
    """
    Implements state.base.Database.

    There is one writer at a time, whatever its keys; readers never wait for it.
    """

    def __init__(self, path: Path, reader: apsw.Connection, writer: apsw.Connection | None) -> None:
        self.path = path
        self._files = sqlite.DatabaseFiles(path)
        self._reader = reader
        self._writer = writer
        self._reading = threading.Lock()
        self._writing = threading.Lock()

    @classmethod
    def open(cls, path: Path, journal: bytes) -> "Database":
        """Open the state for reading and writing. Raises StateUnavailable unless `prepare` has created it."""
        with _translating(path), ExitStack() as opened:
            writer = opened.enter_context(
                closing(sqlite.open_for_writing(path, busy_timeout=_BUSY_TIMEOUT_MS))
            )
            writer.wal_autocheckpoint(_CHECKPOINT_PAGES)
            database = cls._check(cls(path, sqlite.open_for_reading(path), writer), journal)
            opened.pop_all()
        return database

    @classmethod
    def open_read_only(cls, path: Path) -> "Database":
        """Open the state of any journal for reading. Raises StateUnavailable if there is none."""
        with _translating(path):
            return cls._check(cls(path, sqlite.open_for_reading(path), None), None)

    @classmethod
    def _check(cls, database: "Database", journal: bytes | None) -> "Database":
        try:
            with database.reading() as connection:
                version, owner = _read_meta(connection)
            if version != _VERSION:
                raise StateUnavailable(f"{database.path} has version {version}, not {_VERSION}")
            if journal not in (None, owner):
                raise StateUnavailable(f"{database.path} is the state of another journal")
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._reading, _translating(self.path):
            yield self._reader

    @contextmanager
    def writing(self, *keys: str) -> Iterator[Connection]:
        if self._writer is None:
            raise StateUnavailable(f"{self.path} is open for reading only")
        with self._writing, _translating(self.path):
            self._check_not_replaced()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def version(self, query: str) -> object:
        with self._reading, _translating(self.path):
            self._check_not_replaced()
            # Writes of this process count too, because they use another connection.
            return self._reader.pragma("data_version")

    def _check_not_replaced(self) -> None:
        """Raise StateLost if the open file was removed or replaced: writes to it would be lost."""
        if not self._files.are_current():
            self._files.remove_stale_logs()
            raise StateLost(f"{self.path} was removed or replaced")

    def close(self) -> None:
        self._reader.close()
        if self._writer:
            self._writer.close()


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise StateUnavailable(f"{path}: {error}") from error
