"""The views of rows/views.py in PostgreSQL, and the keys found in the table's events."""

from collections.abc import Sequence

import asyncpg

from gateway.sinks.postgresql.schema import Table
from gateway.sinks.rows.views import MAX_LEVELS, Key, Kind, views

_KINDS: dict[str, Kind] = {"number": "number", "boolean": "boolean"}


async def view_statements(connection: asyncpg.Connection, table: Table, days: int) -> list[str]:
    """Return the statements that recreate the views in the table's schema, in one transaction."""
    recent = f"FROM {table.quoted} WHERE received_at >= now() - make_interval(days => $1)"
    found = await connection.fetch(
        f"""
        WITH RECURSIVE leaves AS (
          SELECT type, CASE type WHEN 'track' THEN event ELSE '' END AS event,
            root.name AS root, ARRAY[entry.key] AS path, entry.value
          FROM (SELECT * {recent}) AS recent,
            LATERAL (VALUES ('properties', properties), ('traits', traits), ('context', context))
              AS root (name, object),
            LATERAL jsonb_each(root.object) AS entry
          UNION ALL
          SELECT type, event, root, path || entry.key, entry.value
          FROM leaves, LATERAL jsonb_each(leaves.value) AS entry
          WHERE jsonb_typeof(leaves.value) = 'object' AND cardinality(path) < {MAX_LEVELS}
        )
        SELECT DISTINCT type, event, root, path, jsonb_typeof(value) AS kind FROM leaves
        WHERE jsonb_typeof(value) <> 'null'
          AND (jsonb_typeof(value) <> 'object' OR cardinality(path) = {MAX_LEVELS})
        """,
        days,
    )
    keys = [
        Key(type, event, root, tuple(path), _KINDS.get(kind, "text"))
        for type, event, root, path, kind in found
    ]
    named = await connection.fetch(f"SELECT DISTINCT event {recent} AND type = 'track' AND event <> ''", days)
    events = [record["event"] for record in named]
    statements = ["BEGIN"]
    for view in views(table.quoted, table.name, events, keys, Grammar()):
        name = Table(table.schema, view.name).quoted
        statements += [f"DROP VIEW IF EXISTS {name}", f"CREATE VIEW {name} AS\n{view.query}"]
    return [*statements, "COMMIT"]


class Grammar:
    """PostgreSQL's SQL."""

    def quote(self, name: str) -> str:
        return f'"{name}"'  # only names without quotation marks

    def literal(self, text: str) -> str:
        escaped = text.replace("'", "''")
        if "\\" in escaped:  # whatever standard_conforming_strings says
            return "E'" + escaped.replace("\\", "\\\\") + "'"
        return f"'{escaped}'"

    def value(self, object: str, path: Sequence[str], kind: Kind) -> str:
        steps = ", ".join(map(self.literal, path))
        text = f"{object} #>> ARRAY[{steps}]"
        if kind == "text":
            return text
        # A view must not fail for a later value of another kind.
        type = {"number": "numeric", "boolean": "boolean"}[kind]
        return f"CASE jsonb_typeof({object} #> ARRAY[{steps}]) WHEN '{kind}' THEN ({text})::{type} END"

    def snake(self, column: str) -> str:
        words = f"""regexp_replace({column}, '([a-z][0-9]*)([A-Z])', '\\1_\\2', 'g')"""
        return f"lower(trim('_' FROM regexp_replace({words}, '[^A-Za-z0-9]+', '_', 'g')))"

    def latest(self, expression: str, order: Sequence[str]) -> str:
        newest = ", ".join(f"{column} DESC" for column in order)
        return f"(array_agg({expression} ORDER BY {newest}) FILTER (WHERE {expression} IS NOT NULL))[1]"
