"""The views of rows/views.py in BigQuery, and the keys found in the table's events."""

from collections.abc import Iterator, Sequence

import msgspec

from gateway.sinks.google.service import Service
from gateway.sinks.rows.views import MAX_LEVELS, Key, Kind, views

_KINDS: dict[str, Kind] = {"number": "number", "boolean": "boolean"}
_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "\0": r"\x00", "\n": r"\n", "\r": r"\r"})

# A path in BigQuery's JSON functions must be constant, so they cannot walk through unknown keys.
LEAVES = f"""
  const found = [];
  const walk = (object, path) => {{
    for (const [key, value] of Object.entries(object)) {{
      const own = [...path, key];
      if (value === null) continue;
      if (typeof value === "object" && !Array.isArray(value) && own.length < {MAX_LEVELS}) walk(value, own);
      else found.push({{path: JSON.stringify(own), kind: typeof value}});
    }}
  }};
  walk(JSON.parse(object), []);
  return found;
"""
"""The body of a JavaScript function: the paths of an object's values, and their kinds."""


async def view_statements(service: Service, dataset: str, table: str, days: int) -> list[str]:
    """Return the statements that recreate the views in the table's dataset. Raises SinkError."""
    quoted = f"`{dataset}.{table}`"
    recent = f"FROM {quoted} WHERE received_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL {days} DAY)"
    roots = ", ".join(
        f"STRUCT('{root}' AS name, {root} AS object)" for root in ("properties", "traits", "context")
    )
    found = await service.query(
        "CREATE TEMP FUNCTION leaves(object STRING) RETURNS ARRAY<STRUCT<path STRING, kind STRING>>"
        f" LANGUAGE js AS r'''{LEAVES}''';\n"
        "SELECT DISTINCT type, IF(type = 'track', IFNULL(event, ''), ''), root.name, leaf.path, leaf.kind"
        f" FROM (SELECT * {recent}), UNNEST([{roots}]) AS root, UNNEST(leaves(root.object)) AS leaf"
    )
    named = await service.query(f"SELECT DISTINCT event {recent} AND type = 'track' AND event != ''")
    events = [event for (event,) in named if event]
    return [
        f"CREATE OR REPLACE VIEW `{dataset}.{view.name}` AS\n{view.query}"
        for view in views(quoted, table, events, [*_keys(found)], Grammar())
    ]


def _keys(rows: Sequence[Sequence[str | None]]) -> Iterator[Key]:
    """Yield the keys that a path can address."""
    for row in rows:
        type, event, root, encoded, kind = (text or "" for text in row)
        path = msgspec.json.decode(encoded, type=tuple[str, ...])
        # A path has no escape for these that works in every place.
        if not any(character in step for step in path for character in '"\\'):
            yield Key(type, event, root, path, _KINDS.get(kind, "text"))


class Grammar:
    """GoogleSQL, BigQuery's dialect."""

    def quote(self, name: str) -> str:
        return f"`_{name}`" if name[0].isdecimal() else f"`{name}`"  # no column begins with a digit

    def literal(self, text: str) -> str:
        return f"'{text.translate(_ESCAPES)}'"

    def value(self, object: str, path: Sequence[str], kind: Kind) -> str:
        steps = "".join(f'."{step}"' for step in path)
        where = f"{object}, {self.literal('$' + steps)}"
        if kind == "text":
            return f"COALESCE(JSON_VALUE({where}), JSON_QUERY({where}))"
        # A view must not fail for a later value of another kind, and a text is not a number.
        type = {"number": "FLOAT64", "boolean": "BOOL"}[kind]
        cast = f"SAFE_CAST(JSON_VALUE({where}) AS {type})"
        return f"IF(STARTS_WITH(JSON_QUERY({where}), '\"'), NULL, {cast})"

    def snake(self, column: str) -> str:
        words = rf"REGEXP_REPLACE({column}, '([a-z][0-9]*)([A-Z])', r'\1_\2')"
        return f"LOWER(TRIM(REGEXP_REPLACE({words}, '[^A-Za-z0-9]+', '_'), '_'))"

    def latest(self, expression: str, order: Sequence[str]) -> str:
        newest = ", ".join(f"{column} DESC" for column in order)
        return f"ARRAY_AGG({expression} IGNORE NULLS ORDER BY {newest} LIMIT 1)[SAFE_OFFSET(0)]"
