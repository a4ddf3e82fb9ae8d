"""The views of rows/views.py in ClickHouse, and the keys found in the table's events."""

from collections.abc import Sequence

import msgspec

from gateway.sinks.merge_tree.schema import Table
from gateway.sinks.merge_tree.server import Server
from gateway.sinks.rows.views import MAX_LEVELS, Key, Kind, views

_KINDS: dict[str, Kind] = {**dict.fromkeys(("Int64", "UInt64", "Double"), "number"), "Bool": "boolean"}
_NUMBERS = ", ".join(f"'{name}'" for name, kind in _KINDS.items() if kind == "number")
_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "\0": r"\0"})


async def view_statements(server: Server, table: Table, days: int) -> list[str]:
    """Return the statements that recreate the views in the table's database. Raises SinkError."""
    recent = f"FROM {table.quoted} WHERE received_at >= now() - toIntervalDay({{days:UInt32}})"
    found = await server.query(
        f"""
        WITH RECURSIVE leaves AS (
          SELECT type, if(type = 'track', ifNull(event, ''), '') AS named, object.1 AS root,
            [entry.1] AS path, entry.2 AS value
          FROM (SELECT type, event, properties, traits, context {recent}) AS recent
          ARRAY JOIN [('properties', properties), ('traits', traits), ('context', context)] AS object
          ARRAY JOIN JSONExtractKeysAndValuesRaw(object.2) AS entry
          UNION ALL
          SELECT type, named, root, arrayPushBack(path, entry.1), entry.2
          FROM leaves ARRAY JOIN JSONExtractKeysAndValuesRaw(value) AS entry
          WHERE length(path) < {MAX_LEVELS}
        )
        SELECT DISTINCT toString(type) AS type, named AS event, root, toJSONString(path) AS path,
          toString(JSONType(value)) AS kind
        FROM leaves WHERE kind <> 'Null' AND (kind <> 'Object' OR length(leaves.path) = {MAX_LEVELS})
        FORMAT JSONEachRow
        """,  # noqa: S608  # a name without quotation marks
        days=str(days),
    )
    keys = [
        Key(
            row["type"],
            row["event"],
            row["root"],
            msgspec.json.decode(row["path"], type=tuple[str, ...]),
            _KINDS.get(row["kind"], "text"),
        )
        for row in found
    ]
    named = f"SELECT DISTINCT event {recent} AND type = 'track' AND event <> '' FORMAT JSONEachRow"
    events = [row["event"] for row in await server.query(named, days=str(days))]
    return [
        f"CREATE OR REPLACE VIEW {Table(table.database, view.name).quoted} AS\n{view.query}"
        for view in views(table.quoted, table.name, events, keys, Grammar())
    ]


class Grammar:
    """ClickHouse's SQL."""

    def quote(self, name: str) -> str:
        return f"`{name}`"  # only names without quotation marks

    def literal(self, text: str) -> str:
        return f"'{text.translate(_ESCAPES)}'"

    def value(self, object: str, path: Sequence[str], kind: Kind) -> str:
        where = ", ".join([object, *map(self.literal, path)])
        if kind == "number":
            return f"if(JSONType({where}) IN ({_NUMBERS}), JSONExtractFloat({where}), NULL)"
        if kind == "boolean":
            return f"if(JSONType({where}) = 'Bool', JSONExtractBool({where}), NULL)"
        text = f"if(JSONType({where}) = 'String', JSONExtractString({where}), JSONExtractRaw({where}))"
        return f"if(JSONType({where}) = 'Null', NULL, {text})"

    def snake(self, column: str) -> str:
        words = rf"replaceRegexpAll({column}, '([a-z][0-9]*)([A-Z])', '\\1_\\2')"
        return f"lower(trim(BOTH '_' FROM replaceRegexpAll({words}, '[^A-Za-z0-9]+', '_')))"

    def latest(self, expression: str, order: Sequence[str]) -> str:
        return f"argMaxIf({expression}, ({', '.join(order)}), {expression} IS NOT NULL)"
