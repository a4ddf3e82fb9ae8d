"""
Append events to a table in PostgreSQL, each exactly once.

The position up to which a partition is written is kept in the database, and changes in the transaction that
writes the events. It is compared when it is set, so that a second process cannot write the same events.
"""

import re
from bisect import bisect_left
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, ClassVar

import asyncpg
import msgspec
from anyio import fail_after, lowlevel

from gateway.config.secret import Secret
from gateway.errors import Culprit, SinkRefused, SinkUnavailable
from gateway.postgresql import dsn
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.postgresql import failures, schema, server, views
from gateway.sinks.postgresql.statements import STAGE, STAGE_SCHEMA, Statements
from gateway.sinks.rows import promoted
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.escapes import replace_unstorable
from gateway.sinks.rows.repaired import read_all

_TABLE = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED = frozenset(
    [column.name for column in (*ENVELOPE, LOADED_AT)]
    + ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]  # every table of PostgreSQL has these
)
_EVENTS_WITHOUT_PAUSE = 500  # a few milliseconds at most


class Postgres(Sink, tag="postgres"):
    dsn: Secret
    """The address, as libpq and asyncpg read it: "postgresql://user:password@host:5432/database"."""
    table: str = "events"
    """The table, or "schema.table"."""
    unique: bool = False
    """True if no two rows may have the same source and id, however far apart they arrive."""
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    """The promoted columns: "path: type" by name."""

    write_seconds: ClassVar[float] = 60
    """The longest time for one batch; a server that takes longer is unavailable."""

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""
        yield from super().check()
        for text in dsn.mistakes(self.dsn):
            yield "dsn", text
        longest = schema.MAX_TABLE_CHARACTERS
        if not _TABLE.fullmatch(self.table) or len(self.table.rpartition(".")[2]) > longest:
            yield "table", f'expected "table" or "schema.table" of letters, digits and _, at most {longest}'
        for text in promoted.mistakes(self.columns, _RESERVED):
            yield "columns", text

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        rows = Rows(self.columns)
        async with self._opened(f"event-gateway {name}") as connection:
            with self._translated():
                await schema.prepare(connection, self._table, rows.columns, unique=self.unique)
            yield PostgresConnection(self, connection, self._table, rows)

    async def view_statements(self, days: int, /) -> list[str]:
        async with self._opened("event-gateway views") as connection:
            with self._translated():
                return await views.view_statements(connection, self._table, days)

    @property
    def _table(self) -> schema.Table:
        return schema.parse(self.table)

    @asynccontextmanager
    async def _opened(self, application: str) -> AsyncIterator[asyncpg.Connection]:
        with self._translated():
            connection = await server.connect(self.dsn, application, self.write_seconds)
        try:
            yield connection
        finally:
            await server.close(connection)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except failures.DRIVER_ERRORS as error:
            passwords, hosts = dsn.passwords(self.dsn), dsn.hosts(self.dsn)
            raise failures.translate(error, passwords, hosts=hosts, of_events=False) from error


class PostgresConnection:
    """Writes each batch in one transaction."""

    receipt = b""

    def __init__(
        self, sink: Postgres, connection: asyncpg.Connection, table: schema.Table, rows: Rows
    ) -> None:
        self._connection = connection
        self._table = table
        self._rows = rows
        self._names = [column.name for column in rows.columns]
        self._statements = Statements(table, self._names, unique=sink.unique)
        self._unique = sink.unique
        self._passwords = dsn.passwords(sink.dsn)
        self._write_seconds = sink.write_seconds
        self._positions: dict[tuple[str, str, str], int] = {}
        """The position that this connection has read or written, by sink, partition and epoch."""

    async def write(self, batch: Batch, /) -> bytes:
        first = 0
        try:
            if batch.origin == "live":
                position = await self._position(batch)
                if batch.end <= position:
                    return b""  # an earlier connection wrote it, and was cut off before the answer
                first = bisect_left(batch.positions, position)
                await self._append(batch, position, first)
            else:
                await self._add_missing(batch)
        except failures.DRIVER_ERRORS as error:
            raise failures.translate(error, self._passwords, of_events=True, first=first) from error
        return b""

    async def _position(self, batch: Batch) -> int:
        """Return the position up to which the batch's partition is written."""
        key = _key(batch)
        if key not in self._positions:
            await self._connection.execute(self._statements.begin, *key)
            self._positions[key] = await self._connection.fetchval(self._statements.position, *key)
        return self._positions[key]

    async def _append(self, batch: Batch, position: int, first: int) -> None:
        """Write a partition's new events, those from an index on, together with its position."""
        key = _key(batch)
        with fail_after(self._write_seconds):
            async with self._connection.transaction(isolation="read_committed"):
                ahead = await self._connection.fetchval(self._statements.advance, *key, position, batch.end)
                if ahead is None:
                    raise SinkUnavailable(
                        f"{self._table.positions} no longer has the position {position}:"
                        " another process delivers to this sink as well"
                    )
                if self._unique or ahead > max(batch.first, position):
                    await self._insert_missing(batch, first)
                else:
                    await self._copy(batch, first, self._table.name, self._table.schema)
        self._positions[key] = batch.end

    async def _add_missing(self, batch: Batch) -> None:
        """
        Write those events of a retry or a replay that the table does not have.

        Later live batches may have the same events if these are beyond the position; `ahead` records this.
        """
        if not self._unique:
            await schema.create_index(self._connection, self._table, ["position"])
        with fail_after(self._write_seconds):
            async with self._connection.transaction(isolation="read_committed"):
                await self._connection.execute(self._statements.reach_ahead, *_key(batch), batch.end)
                await self._insert_missing(batch, 0)

    async def _insert_missing(self, batch: Batch, first: int) -> None:
        await self._connection.execute(self._statements.stage)
        await self._copy(batch, first, STAGE, STAGE_SCHEMA)
        await self._connection.execute(self._statements.insert_missing)

    async def _copy(self, batch: Batch, first: int, table: str, schema_name: str | None) -> None:
        async with aclosing(self._read(batch, first)) as rows:
            await self._connection.copy_records_to_table(
                table, records=rows, columns=self._names, schema_name=schema_name
            )

    async def _read(self, batch: Batch, first: int) -> AsyncGenerator[tuple[Any, ...], None]:
        """Yield the rows of a batch from an index on. Raises SinkRefused if lines are not events."""
        culprits = {}
        storable = msgspec.structs.replace(batch, data=replace_unstorable(batch.data))
        for index, row in enumerate(read_all(self._rows, storable)):
            if isinstance(row, Culprit):
                culprits[index] = row
            elif index >= first and not culprits:
                yield row
            if index % _EVENTS_WITHOUT_PAUSE == 0:
                await lowlevel.checkpoint()
        if culprits:
            raise SinkRefused("lines are not canonical events", culprits, delivered=range(first))


def _key(batch: Batch) -> tuple[str, str, str]:
    return batch.sink, batch.partition, str(batch.epoch)
