"""
Append events to a table in a DuckDB file, each exactly once.

The position up to which a partition is written is kept in the file, and changes in the transaction that
writes the events. DuckDB lets a process open a file for writing only while no other has it open, so it is
closed soon after the last batch to let others read it.
"""

import re
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Timer
from typing import Any, ClassVar

import duckdb
import pyarrow as pa
from anyio import fail_after, move_on_after, to_thread

from gateway import durable
from gateway.config.units import Duration, Positive, Size
from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.duckdb_file import failures, schema, views
from gateway.sinks.duckdb_file.statements import STAGE, Statements
from gateway.sinks.rows import promoted
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.repaired import convert_all

_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CLOSE_SECONDS = 2

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # The oldest version that can open the file. By default only the library's own version can.
    "storage_compatibility_version": "v1.4.0",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "1GB",
    # About one row group: each checkpoint rewrites the last one.
    "checkpoint_threshold": "128MB",
    "threads": 2,
}


class DuckDb(Sink, tag="duckdb", kw_only=True):
    path: Path
    """The file; it is created if it is missing."""
    table: str = "events"
    columns: Mapping[str, str] = {}
    """The promoted columns: "path: type" by name."""
    batch_events: Positive = 20_000
    batch_bytes: Size = Size(16 * 1024**2)
    batch_time: Duration = Duration(1)
    """Each small batch costs an opening of the file, and compresses badly."""

    write_seconds: ClassVar[float] = 60
    """The longest time for one batch."""
    idle_seconds: ClassVar[float] = 0.5
    """The time after a batch at which the file is closed; opening and closing cost more than writing."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if not _TABLE.fullmatch(self.table):
            yield "table", "expected letters, digits and _"
        for text in promoted.mistakes(self.columns, [column.name for column in (*ENVELOPE, LOADED_AT)]):
            yield "columns", text

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        connection = DuckDbConnection(self)
        await connection.prepare()
        try:
            yield connection
        finally:
            # A thread that hangs is abandoned, as after a batch that takes too long.
            with move_on_after(_CLOSE_SECONDS, shield=True):
                await to_thread.run_sync(connection.close, abandon_on_cancel=True)

    async def view_statements(self, days: int, /) -> list[str]:
        return await to_thread.run_sync(self._view_statements, days)

    def _view_statements(self, days: int) -> list[str]:
        try:
            with duckdb.connect(self.path, read_only=True, config=_SETTINGS) as database:
                return views.view_statements(database, self.table, days)
        except (duckdb.Error, OSError) as error:
            raise failures.translate(error, of_events=False) from error


class DuckDbConnection:
    """Writes in a thread, and closes the file when there is nothing more to write."""

    receipt = b""

    def __init__(self, sink: DuckDb) -> None:
        self._sink = sink
        self._rows = Rows(sink.columns)
        self._encoder = Encoder(self._rows.columns)
        self._statements = Statements(sink.table, self._encoder.schema.names)
        self._lock = Lock()
        """Held while the file is used."""
        self._database: duckdb.DuckDBPyConnection | None = None
        self._idle: Timer | None = None

    async def prepare(self) -> None:
        """Create the file and its tables if they are missing."""
        await self._run(self._prepare)

    async def write(self, batch: Batch, /) -> bytes:
        await self._run(self._write, batch)
        return b""

    async def _run(self, work: Callable[..., None], *arguments: Any) -> None:
        """Do work in a thread; it is interrupted if it takes too long."""
        try:
            with fail_after(self._sink.write_seconds):
                await to_thread.run_sync(work, *arguments, abandon_on_cancel=True)
        except TimeoutError as error:
            if database := self._database:
                with suppress(duckdb.Error):  # it has just been closed
                    database.interrupt()
            raise SinkUnavailable(f"{self._sink.path}: not written in time") from error

    def _prepare(self) -> None:
        with self._opened() as database:
            schema.prepare(database, self._sink.table, self._rows.columns)
        self.close()

    def close(self) -> None:
        """Close the file, unless it is already closed. Blocks while a batch is written."""
        with self._lock:
            self._close()

    def _write(self, batch: Batch) -> None:
        key = {"sink": batch.sink, "partition": batch.partition, "epoch": str(batch.epoch)}
        with self._opened() as database:
            database.begin()
            database.execute(self._statements.begin, key)
            [(position, ahead)] = database.execute(self._statements.position, key).fetchall()
            end = {**key, "end": batch.end}
            if batch.origin != "live":
                database.execute(self._statements.reach_ahead, end)
                self._insert(database, batch, 0, missing=True)
            elif batch.end > position:  # else it was written, but not recorded
                first = bisect_left(batch.positions, position)
                self._insert(database, batch, first, missing=ahead > max(batch.first, position))
                database.execute(self._statements.advance, end)
            database.commit()

    def _insert(
        self, database: duckdb.DuckDBPyConnection, batch: Batch, first: int, *, missing: bool
    ) -> None:
        """
        Insert the events of a batch from an index on, or only those that the table does not have.

        Raises SinkRefused if the table does not accept one of them.
        """
        database.register(STAGE, self._encode(batch, first))
        try:
            database.execute(self._statements.insert_missing if missing else self._statements.insert)
        except duckdb.Error as error:
            raise failures.translate(error, of_events=True) from error
        database.unregister(STAGE)

    def _encode(self, batch: Batch, first: int) -> pa.Table:
        """Return the events of a batch from an index on. Raises SinkRefused if lines are not events."""
        now = datetime.now(UTC)
        parts = convert_all(self._rows, batch, lambda rows: self._encoder.convert(rows, now), first)
        return pa.Table.from_batches(parts, self._encoder.schema)

    @contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Keep the file open for the duration of the block; after an exception, roll back what it did."""
        with self._lock:
            if self._idle:
                self._idle.cancel()
            try:
                self._database = self._database or self._open()
                yield self._database
            except (duckdb.Error, OSError) as error:
                self._close()
                raise failures.translate(error, of_events=False) from error
            except BaseException:
                self._close()
                raise
            self._idle = Timer(self._sink.idle_seconds, self.close)
            self._idle.daemon = True
            self._idle.start()

    def _open(self) -> duckdb.DuckDBPyConnection:
        path = self._sink.path
        durable.make_folder(path.parent)
        is_new = not path.exists()
        database = duckdb.connect(path, config=_SETTINGS)
        if is_new:
            path.chmod(0o600)  # DuckDB accepts no empty file, and sets no mode itself
        return database

    def _close(self) -> None:
        if self._idle:
            self._idle.cancel()
        database, self._database = self._database, None
        if database:
            with suppress(duckdb.Error):  # nothing is lost: the log next to the file has every batch
                database.close()
