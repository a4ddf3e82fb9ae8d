"""The tables of the sink `postgres`: created and widened when it connects, never while it writes."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from gateway.errors import SinkMisconfigured
from gateway.sinks.rows.envelope import LOADED_AT, REQUIRED, Column

TYPES = {
    "text": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "timestamp": "timestamp with time zone",
    "json": "jsonb",
}
"""The types of columns, as PostgreSQL writes them."""

MAX_TABLE_CHARACTERS = 63 - len("_source_id_key")
"""The longest name of a table; indexes are named after it, and longer names would be cut."""

_CATALOGUE = """
SELECT attname, format_type(atttypid, atttypmod) AS type,
  attnotnull AND NOT atthasdef AND attidentity = '' AND attgenerated = '' AS required
FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
"""
_RIGHTS = """
SELECT wanted.name AS table_name, wanted.right_name, quote_ident(current_user) AS role
FROM unnest($1::text[], $2::text[]) AS wanted (name, right_name)
WHERE NOT has_table_privilege(wanted.name, wanted.right_name)
"""
_INDEX = """
SELECT true FROM pg_catalog.pg_index
JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
WHERE indrelid = to_regclass($1) AND indisvalid AND indpred IS NULL AND attname = $2 AND indisunique >= $3
"""

_TIMEOUTS = "SELECT name, setting FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout')"
_INDEX_SECONDS = 3600


class Table(NamedTuple):
    """The quoted names of the table of events and of what belongs to it."""

    schema: str | None
    name: str

    @property
    def quoted(self) -> str:
        return self._qualified("")

    @property
    def positions(self) -> str:
        """The table that holds, by sink, partition and epoch, the position up to which events are written."""
        return self._qualified("_positions")

    def index_name(self, suffix: str) -> str:
        """The unqualified name of an index; it is in the schema of the table."""
        return f'"{self.name}{suffix}"'

    def _qualified(self, suffix: str) -> str:
        prefix = f'"{self.schema}".' if self.schema else ""
        return f'{prefix}"{self.name}{suffix}"'


def parse(name: str) -> Table:
    """Return the table that a configuration names: "table" or "schema.table"."""
    schema, _, table = name.rpartition(".")
    return Table(schema or None, table)


async def prepare(
    connection: asyncpg.Connection, table: Table, columns: Sequence[Column], *, unique: bool
) -> None:
    """
    Create the missing tables and columns and, if `unique`, the index.

    Raises SinkMisconfigured, with the statement to run, for what an operator must change.
    """
    encoding = await connection.fetchval("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise SinkMisconfigured(f"the database has the encoding {encoding}; it must have UTF8")
    wanted = (*columns, LOADED_AT)
    found = await connection.fetch(_CATALOGUE, table.quoted)
    if not found:
        await connection.execute(f"CREATE TABLE {table.quoted} ({', '.join(map(_define, wanted))})")
    else:
        await _widen(connection, table, wanted, found)
    if not await connection.fetchval("SELECT to_regclass($1)", table.positions):
        await connection.execute(
            f"CREATE TABLE {table.positions} (sink text, partition text, epoch text,"
            " position bigint NOT NULL, ahead bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),"
            " PRIMARY KEY (sink, partition, epoch))"
        )
    await _check_rights(connection, table)
    if unique:
        await create_index(connection, table, ("source", "id"), unique=True)


async def create_index(
    connection: asyncpg.Connection, table: Table, columns: Sequence[str], *, unique: bool = False
) -> None:
    """
    Create an index unless there is one on the last of the columns.

    It may take an hour, but locks nobody out meanwhile.
    """
    if await connection.fetchval(_INDEX, table.quoted, columns[-1], unique):
        return
    name = table.index_name(f"_{'_'.join(columns)}_{'key' if unique else 'idx'}")
    qualified = f'"{table.schema}".{name}' if table.schema else name
    usual = await connection.fetch(_TIMEOUTS)
    for timeout, _ in usual:  # it waits for the end of every older transaction
        await connection.execute(f"SET {timeout} = 0")
    try:
        # An interrupted attempt leaves an invalid index.
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {qualified}")
        kind = "UNIQUE INDEX" if unique else "INDEX"
        await connection.execute(
            f"CREATE {kind} CONCURRENTLY {name} ON {table.quoted} ({', '.join(columns)})",
            timeout=_INDEX_SECONDS,
        )
    finally:
        for timeout, setting in () if connection.is_closed() else usual:
            await connection.execute("SELECT set_config($1, $2, false)", timeout, setting)


async def _widen(
    connection: asyncpg.Connection,
    table: Table,
    wanted: Sequence[Column],
    found: Sequence[asyncpg.Record],
) -> None:
    types = {record["attname"]: record["type"] for record in found}
    names = {column.name for column in wanted}
    for record in found:
        if record["required"] and record["attname"] not in names:
            column = f'ALTER TABLE {table.quoted} ALTER COLUMN "{record["attname"]}" DROP NOT NULL'
            raise SinkMisconfigured(f"{table.quoted} has a column that events do not fill; run: {column}")
    for name, type in wanted:
        if types.get(name, TYPES[type]) != TYPES[type]:
            raise SinkMisconfigured(
                f"the column {name} of {table.quoted} has the type {types[name]}; run: ALTER TABLE "
                f'{table.quoted} ALTER COLUMN "{name}" TYPE {TYPES[type]} USING "{name}"::{TYPES[type]}'
            )
    missing = [column for column in wanted if column.name not in types]
    if missing:
        additions = ", ".join(f"ADD COLUMN IF NOT EXISTS {_define_late(column)}" for column in missing)
        await connection.execute(f"ALTER TABLE {table.quoted} {additions}")


async def _check_rights(connection: asyncpg.Connection, table: Table) -> None:
    wanted = [(table.quoted, right) for right in ("SELECT", "INSERT")]
    wanted += [(table.positions, right) for right in ("SELECT", "INSERT", "UPDATE")]
    lacking = await connection.fetch(_RIGHTS, *map(list, zip(*wanted, strict=True)))
    if lacking:
        grants = "; ".join(f"GRANT {right} ON {name} TO {role}" for name, right, role in lacking)
        raise SinkMisconfigured(f"rights are missing; run: {grants}")


def _define(column: Column) -> str:
    return _define_late(column) + (" NOT NULL" if column.name in REQUIRED else "")


def _define_late(column: Column) -> str:
    """Define a column for a table that has rows, in which it is NULL."""
    default = " DEFAULT now()" if column == LOADED_AT else ""
    return f'"{column.name}" {TYPES[column.type]}{default}'
