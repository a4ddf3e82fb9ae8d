"""
Views on the table of events that look like Segment's warehouse.

Segment has a table for each type and each event name, with a column for each property (segment.com/docs,
"Warehouse Schemas"). Here the columns are for the keys in recent events.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from gateway.sinks.rows.names import identifier

Kind = Literal["text", "number", "boolean"]

MAX_LEVELS = 5
"""The deepest level of keys that have columns; anything nested more deeply is a text."""


class Key(NamedTuple):
    """A key found in events of a type, with the kind of its value."""

    type: str
    event: str
    """The name of a track event; "" for other types."""
    root: str
    """The column that holds it: properties, traits or context."""
    path: tuple[str, ...]
    kind: Kind


class View(NamedTuple):
    name: str
    query: str


class Grammar(Protocol):
    """The expressions of a target's SQL."""

    def quote(self, name: str, /) -> str:
        """Return the quoted name of a table or a column."""
        ...

    def literal(self, text: str, /) -> str:
        """Return a text literal."""
        ...

    def value(self, object: str, path: Sequence[str], kind: Kind, /) -> str:
        """Return the value at a path of an object; it is NULL if it is not of the kind."""
        ...

    def snake(self, column: str, /) -> str:
        """Return a column in snake case, like names.snake."""
        ...

    def latest(self, expression: str, order: Sequence[str], /) -> str:
        """Return an aggregate: the value in the last row that has one, in the order of the given columns."""
        ...


@runtime_checkable
class Viewable(Protocol):
    """A sink whose target can have views."""

    async def view_statements(self, days: int, /) -> list[str]:
        """Return the statements that create the views, for the events of the last days. Raises SinkError."""
        ...


_PERSON = ("anonymous_id", "user_id")
_EVENT = ("event", "event_text")
_TIMES = ("sent_at", "received_at", "timestamp", "original_timestamp", "loaded_at", "uuid_ts")
_TABLES = {
    "tracks": ("track", (*_PERSON, *_EVENT), ""),
    "identifies": ("identify", _PERSON, "traits"),
    "pages": ("page", (*_PERSON, "name", "category"), "properties"),
    "screens": ("screen", (*_PERSON, "name", "category"), "properties"),
    "groups": ("group", (*_PERSON, "group_id"), "traits"),
    "aliases": ("alias", ("previous_id", "user_id"), ""),
}
"""By name: the type, its own columns, and the object whose keys become columns without a prefix."""
_USERS = "users"
_ROW = "_event"
"""The table's name in a query: no column has it, since in snake case none begins with "_"."""


def views(
    table: str, taken: str, events: Collection[str], keys: Collection[Key], grammar: Grammar
) -> Iterator[View]:
    """
    Yield the views on a table for the names of track events and for keys.

    `table` is the table in a query. No view gets the name `taken`, the table's own.
    """
    queries = _Queries(table, grammar)
    for name, (type, own, root) in _TABLES.items():
        found = [key for key in keys if key.type == type]
        yield View(_avoid(name, {taken}), queries.of_events(type, own, root, found))
    yield View(_avoid(_USERS, {taken}), queries.of_users([key for key in keys if key.type == "identify"]))
    names: dict[str, list[str]] = defaultdict(list)
    for event in sorted(events):
        names[_avoid(identifier(event), {taken, _USERS, *_TABLES})].append(event)
    for name, same in sorted(names.items()):
        found = [key for key in keys if key.type == "track" and key.event in same]
        yield View(name, queries.of_events("track", (*_PERSON, *_EVENT), "properties", found, same))


def _avoid(name: str, taken: Collection[str]) -> str:
    return f"{name}_" if name in taken else name


class _Queries:
    """The queries of views; a column of the event wins over a key of the same name."""

    def __init__(self, table: str, grammar: Grammar) -> None:
        self._table = table
        self._grammar = grammar

    def of_events(
        self, type: str, own: Sequence[str], root: str, keys: Iterable[Key], events: Sequence[str] = ()
    ) -> str:
        """Return a query with one row per event, of the given names if there are any."""
        grammar = self._grammar
        columns = {name: self._column(name) for name in ("id", *own, *_TIMES)}
        condition = f"{self._column('type')} = {grammar.literal(type)}"
        if events:
            condition += f" AND {self._column('event_text')} IN ({', '.join(map(grammar.literal, events))})"
        return self._select(columns, self._values(root, keys), condition)

    def of_users(self, keys: Iterable[Key]) -> str:
        """Return a query with one row per user, and the latest value of each trait."""
        grammar = self._grammar
        user, order = self._column("user_id"), [self._column("received_at"), self._column("position")]
        columns = {name: f"max({self._column(name)})" for name in ("received_at", "loaded_at", "uuid_ts")}
        values = {name: grammar.latest(value, order) for name, value in self._values("traits", keys).items()}
        condition = f"{self._column('type')} = {grammar.literal('identify')} AND {user} IS NOT NULL"
        return self._select({"id": user, **columns}, values, f"{condition} GROUP BY {user}")

    def _column(self, name: str) -> str:
        """Return a column with its table: in some targets a bare name would mean the view's column."""
        if name == "event":
            return self._grammar.snake(self._column("event_text"))
        own = {"event_text": "event", "uuid_ts": "loaded_at"}.get(name, name)
        return f"{self._grammar.quote(_ROW)}.{self._grammar.quote(own)}"

    def _values(self, root: str, keys: Iterable[Key]) -> dict[str, str]:
        """Return the values of keys by column name."""
        same: dict[str, list[Key]] = defaultdict(list)
        for key in sorted(keys):
            if key.root in (root, "context"):
                prefix = ("context",) if key.root == "context" else ()
                same[identifier(" ".join((*prefix, *key.path)))].append(key)
        return {name: self._value(found) for name, found in sorted(same.items())}

    def _value(self, keys: Sequence[Key]) -> str:
        """Return the value of the keys that share a column; it is a text if their kinds differ."""
        kinds = {key.kind for key in keys}
        kind: Kind = kinds.pop() if len(kinds) == 1 else "text"
        places = dict.fromkeys((key.root, key.path) for key in keys)
        values = [self._grammar.value(self._column(root), path, kind) for root, path in places]
        return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"

    def _select(self, columns: dict[str, str], values: dict[str, str], condition: str) -> str:
        every = {**columns, **{name: value for name, value in values.items() if name not in columns}}
        listed = ",\n  ".join(f"{value} AS {self._grammar.quote(name)}" for name, value in every.items())
        return f"SELECT\n  {listed}\nFROM {self._table} AS {self._grammar.quote(_ROW)}\nWHERE {condition}"
