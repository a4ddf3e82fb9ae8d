"""The views of rows/views.py in DuckDB, and the keys found in the table's events."""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from gateway.sinks.rows.views import MAX_LEVELS, Key, Kind, views

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"), "number"),
    "BOOLEAN": "boolean",
}


def view_statements(database: DuckDBPyConnection, table: str, days: int) -> list[str]:
    """Return the statements that recreate the views in one transaction. Raises duckdb.Error."""
    recent = f'FROM "{table}" WHERE received_at >= now() - to_days($days::INTEGER)'
    roots = " UNION ALL ".join(
        f"SELECT type, event, '{root}' AS root, {root} AS object FROM recent"  # noqa: S608  # constants
        for root in ("properties", "traits", "context")
    )
    found = database.execute(
        f"""
        WITH RECURSIVE recent AS MATERIALIZED (
          SELECT type, CASE type WHEN 'track' THEN event ELSE '' END AS event, properties, traits, context
          {recent}
        ), leaves AS (
          SELECT roots.type, event, roots.root, [entry.key] AS path, entry.value, entry.type AS kind
          FROM ({roots}) AS roots, json_each(object) AS entry
          UNION ALL
          SELECT leaves.type, event, leaves.root, list_append(leaves.path, entry.key), entry.value, entry.type
          FROM leaves, json_each(leaves.value) AS entry
          WHERE kind = 'OBJECT' AND len(leaves.path) < {MAX_LEVELS}
        )
        SELECT DISTINCT type, event, root, path, kind FROM leaves
        WHERE kind <> 'NULL' AND (kind <> 'OBJECT' OR len(path) = {MAX_LEVELS})
        """,  # noqa: S608  # a name without quotation marks
        {"days": days},
    ).fetchall()
    keys = [
        Key(type, event, root, tuple(path), _KINDS.get(kind, "text"))
        for type, event, root, path, kind in found
    ]
    named = f"SELECT DISTINCT event {recent} AND type = 'track' AND event <> ''"
    events = [event for (event,) in database.execute(named, {"days": days}).fetchall()]
    created = [
        f'CREATE OR REPLACE VIEW "{view.name}" AS\n{view.query}'
        for view in views(f'"{table}"', table, events, keys, Grammar())
    ]
    return ["BEGIN", *created, "COMMIT"]


class Grammar:
    """DuckDB's SQL."""

    def quote(self, name: str) -> str:
        return f'"{name}"'  # only names without quotation marks

    def literal(self, text: str) -> str:
        escaped = text.replace("'", "''").replace("\0", "' || chr(0) || '")
        return f"('{escaped}')" if "\0" in text else f"'{escaped}'"  # no statement can contain U+0000

    def value(self, object: str, path: Sequence[str], kind: Kind) -> str:
        steps = [step.replace("~", "~0").replace("/", "~1") for step in path]  # a JSON pointer, RFC 6901
        where = f"{object}, {self.literal('/' + '/'.join(steps))}"
        text = f"json_extract_string({where})"
        if kind == "text":
            return text
        # A view must not fail for a later value of another kind.
        # Only texts could be mistaken for numbers; a list of types with IN makes a wide view slow to plan.
        condition, type = ("<> 'VARCHAR'", "DOUBLE") if kind == "number" else ("= 'BOOLEAN'", "BOOLEAN")
        return f"CASE WHEN json_type({where}) {condition} THEN TRY_CAST({text} AS {type}) END"

    def snake(self, column: str) -> str:
        words = f"regexp_replace({column}, '([a-z][0-9]*)([A-Z])', '\\1_\\2', 'g')"
        return f"lower(trim(regexp_replace({words}, '[^A-Za-z0-9]+', '_', 'g'), '_'))"

    def latest(self, expression: str, order: Sequence[str]) -> str:
        return f"arg_max({expression}, ({', '.join(order)})) FILTER (WHERE {expression} IS NOT NULL)"
