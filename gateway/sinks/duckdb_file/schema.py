"""The tables of the sink `duckdb`: created and widened when it connects, never while it writes."""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from gateway.errors import SinkMisconfigured
from gateway.sinks.rows.envelope import LOADED_AT, REQUIRED, Column
from gateway.sinks.rows.promoted import ColumnType

TYPES: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "json": "JSON",
}
"""The types of columns, as DuckDB writes them."""

_FIND_COLUMNS = """
SELECT column_name, data_type, NOT is_nullable AND column_default IS NULL
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND table_name = $table
"""


def prepare(database: DuckDBPyConnection, table: str, columns: Sequence[Column]) -> None:
    """
    Create the missing tables and columns.

    Raises SinkMisconfigured, with the statement to run, for what an operator must change, and otherwise
    DuckDB's exceptions.
    """
    wanted = (*columns, LOADED_AT)
    found = database.execute(_FIND_COLUMNS, {"table": table}).fetchall()
    if found:
        _widen(database, table, wanted, found)
    else:
        database.execute(f'CREATE TABLE "{table}" ({", ".join(map(_define, wanted))})')
    database.execute(
        f'CREATE TABLE IF NOT EXISTS "{table}_positions" (sink VARCHAR, "partition" VARCHAR, epoch VARCHAR,'
        " position BIGINT NOT NULL, ahead BIGINT NOT NULL, updated_at TIMESTAMPTZ NOT NULL,"
        ' PRIMARY KEY (sink, "partition", epoch))'
    )


def _widen(
    database: DuckDBPyConnection,
    table: str,
    wanted: Sequence[Column],
    found: Sequence[tuple[str, str, bool]],
) -> None:
    types = {name: type for name, type, _ in found}
    names = {column.name for column in wanted}
    for name, _, required in found:
        if required and name not in names:
            statement = f'ALTER TABLE "{table}" ALTER COLUMN "{name}" DROP NOT NULL'
            raise SinkMisconfigured(f"{table} has a column that events do not fill; run: {statement}")
    for name, type in wanted:
        if types.get(name, TYPES[type]) != TYPES[type]:
            statement = f'ALTER TABLE "{table}" ALTER COLUMN "{name}" SET DATA TYPE {TYPES[type]}'
            raise SinkMisconfigured(
                f"the column {name} of {table} has the type {types[name]}; run: {statement}"
            )
    for column in wanted:
        if column.name not in types:
            database.execute(f'ALTER TABLE "{table}" ADD COLUMN "{column.name}" {TYPES[column.type]}')


def _define(column: Column) -> str:
    return f'"{column.name}" {TYPES[column.type]}' + (" NOT NULL" if column.name in REQUIRED else "")
