"""The table of the sink `clickhouse`: created, widened and checked when it connects, not while it writes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.errors import SinkMisconfigured
from gateway.sinks.merge_tree.server import Server
from gateway.sinks.rows.envelope import LOADED_AT, REQUIRED, Column
from gateway.sinks.rows.promoted import ColumnType

TYPES: dict[ColumnType, str] = {
    "text": "String",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "Bool",
    "timestamp": "DateTime64(3, 'UTC')",
    "json": "String",
}
"""The types of columns, without Nullable and LowCardinality."""

# ClickHouse forgets the tokens of inserts that are older than the window. A batch in doubt is sent again
# after an outage, before which others may have inserted into the table; and a replicated table also forgets
# after a time, by default an hour.
WINDOWS = {"non_replicated_deduplication_window": 10_000}
REPLICATED_WINDOWS = {
    "replicated_deduplication_window": 10_000,
    "replicated_deduplication_window_seconds": 7 * 86_400,
}
"""The settings that make a table recognize a batch, and their minimum values."""

_FEW_VALUES = ("type", "event", "name", "category", "channel", "source", "dialect")
_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")
_ENGINE = re.compile(r"(Replicated|Shared)?MergeTree")

_FIND_TABLE = """
SELECT engine, engine_full FROM system.tables
WHERE database = {database:String} AND name = {table:String} FORMAT JSONEachRow
"""
_FIND_COLUMNS = """
SELECT name, type FROM system.columns
WHERE database = {database:String} AND table = {table:String} AND name IN {names:Array(String)}
FORMAT JSONEachRow
"""
_FIND_DEFAULTS = """
SELECT name, value FROM system.merge_tree_settings WHERE name IN {names:Array(String)} FORMAT JSONEachRow
"""
_FIND_DEFAULTS_OF_REPLICATED = _FIND_DEFAULTS.replace("merge_tree", "replicated_merge_tree")


class Table(NamedTuple):
    database: str
    name: str

    @property
    def quoted(self) -> str:
        return f"`{self.database}`.`{self.name}`"


async def prepare(server: Server, table: Table, columns: Sequence[Column]) -> None:
    """
    Create the table and the columns that are missing.

    Raises SinkUnavailable, or SinkMisconfigured with the statement to run for what an operator must change:
    a column of another type, and a table that would not recognize a batch that is inserted again.
    """
    wanted = (*columns, LOADED_AT)
    where = {"database": table.database, "table": table.name}
    found = await server.query(_FIND_TABLE, **where)
    if not found:
        await server.query(_create(table, wanted))
        found = await server.query(_FIND_TABLE, **where)
    description = found[0] if found else {}
    await _check_windows(server, table, description.get("engine", ""), description.get("engine_full", ""))
    rows = await server.query(_FIND_COLUMNS, **where, names=_array([column.name for column in wanted]))
    types = {row["name"]: row["type"] for row in rows}
    for name, type in wanted:
        if name in types and _unwrap(types[name]) != TYPES[type]:
            raise SinkMisconfigured(
                f"the column {name} of {table.quoted} has the type {types[name]}; run: ALTER TABLE "
                f"{table.quoted} MODIFY COLUMN `{name}` {_type(Column(name, type))}"
            )
    missing = [column for column in wanted if column.name not in types]
    if missing:
        additions = ", ".join(f"ADD COLUMN IF NOT EXISTS {_define(column)}" for column in missing)
        await server.query(f"ALTER TABLE {table.quoted} {additions}")


async def _check_windows(server: Server, table: Table, engine: str, engine_full: str) -> None:
    """Raise SinkMisconfigured if the table could forget a batch before it is inserted again."""
    kind = _ENGINE.fullmatch(engine)
    if not kind:
        raise SinkMisconfigured(
            f"{table.quoted} has the engine {engine or '?'}, which does not recognize a batch that it has,"
            f" or replaces events; run: RENAME TABLE {table.quoted} TO `{table.database}`.`{table.name}_old`"
        )
    least = REPLICATED_WINDOWS if kind[1] else WINDOWS
    defaults = _FIND_DEFAULTS_OF_REPLICATED if kind[1] else _FIND_DEFAULTS
    values = {
        row["name"]: int(row["value"]) for row in await server.query(defaults, names=_array([*least]))
    } | dict(_stated(engine_full, least))
    short = {name: value for name, value in least.items() if values.get(name, 0) < value}
    if short:
        settings = ", ".join(f"{name} = {value}" for name, value in short.items())
        raise SinkMisconfigured(
            f"{table.quoted} could forget a batch before it is inserted again; run: "
            f"ALTER TABLE {table.quoted} MODIFY SETTING {settings}"
        )


def _stated(engine_full: str, names: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the settings in the table's own definition."""
    for name in names:
        if found := re.search(rf"\b{name} = (\d+)", engine_full):
            yield name, int(found[1])


def _create(table: Table, columns: Sequence[Column]) -> str:
    settings = ", ".join(f"{name} = {value}" for name, value in (WINDOWS | REPLICATED_WINDOWS).items())
    return (
        f"CREATE TABLE IF NOT EXISTS {table.quoted} ({', '.join(map(_define, columns))})"
        " ENGINE = MergeTree PARTITION BY toYYYYMM(received_at) ORDER BY (source, type, received_at)"
        f" SETTINGS {settings}"
    )


def _define(column: Column) -> str:
    default = " DEFAULT now64(3)" if column == LOADED_AT else ""
    codec = " CODEC(ZSTD)" if column.type == "json" else ""
    return f"`{column.name}` {_type(column)}{default}{codec}"


def _type(column: Column) -> str:
    type = TYPES[column.type]
    if column.name not in REQUIRED and column != LOADED_AT:
        type = f"Nullable({type})"
    return f"LowCardinality({type})" if column.name in _FEW_VALUES else type


def _unwrap(type: str) -> str:
    while found := _WRAPPED.fullmatch(type):
        type = found[1]
    return type


def _array(names: Sequence[str]) -> str:
    """Return a parameter of type Array(String); the names have no quotation marks."""
    quoted = ", ".join(f"'{name}'" for name in names)
    return f"[{quoted}]"
