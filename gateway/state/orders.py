"""Orders of operators for sinks: commands and the inspector place them, delivery carries them out."""

import time
from collections.abc import Collection
from typing import Any, Literal, cast

import msgspec

from gateway import sqlite
from gateway.state.base import Database

Verb = Literal["pause", "resume", "skip"]

_ORDERED = """
    SELECT (SELECT max(id) FROM orders), (SELECT count(*) FROM orders WHERE done_at IS NULL),
        (SELECT max(id) FROM jobs), (SELECT count(*) FROM jobs WHERE state = 'running')
"""
"""Returns a different row whenever an operator has ordered something."""


class Order(msgspec.Struct, frozen=True):
    """A request to change the state of a sink."""

    id: int
    sink: str
    verb: Verb
    argument: str
    placed_at: int
    """Milliseconds since 1970."""

    @property
    def positions(self) -> dict[str, int]:
        """Where to skip to, by partition."""
        return msgspec.json.decode(self.argument, type=dict[str, int])


class Orders:
    """Thread-safe. Every method blocks and may raise StateUnavailable; it then has had no effect."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: object = None
        self._paused: frozenset[str] = frozenset()

    def place(self, sink: str, verb: Verb, argument: str = "") -> int:
        """
        Store an order durably, and return its id.

        "pause" and "resume" take effect with this call, whether or not a gateway is running, and supersede
        each other. "skip", whose argument is the JSON of the positions, is carried out by delivery.
        """
        now = time.time_ns() // 1_000_000
        with self._database.writing(sink) as connection:
            if verb != "skip":
                connection.execute("DELETE FROM paused WHERE sink = ?", (sink,))
                connection.execute(
                    "UPDATE orders SET done_at = ?, result = 'superseded'"
                    " WHERE sink = ? AND verb != 'skip' AND done_at IS NULL",
                    (now, sink),
                )
            if verb == "pause":
                connection.execute("INSERT INTO paused VALUES (?)", (sink,))
            return cast(
                int,
                connection.execute(
                    "INSERT INTO orders (sink, verb, argument, placed_at) VALUES (?, ?, ?, ?) RETURNING id",
                    (sink, verb, argument, now),
                ).get,
            )

    def is_done(self, id: int) -> bool:
        """Return whether an order was carried out or superseded."""
        with self._database.reading() as connection:
            return bool(connection.execute("SELECT done_at IS NOT NULL FROM orders WHERE id = ?", (id,)).get)

    def last(self) -> int:
        """Return the id of the order that was placed last; 0 if none ever was."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(id), 0) FROM orders").get or 0)

    def pending(self, sinks: Collection[str], after: int | None = None) -> list[Order]:
        """Return the pending orders for these sinks, and all those that were placed `after`, oldest first."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT id, sink, verb, argument, placed_at FROM orders"
                " WHERE done_at IS NULL OR id > ? ORDER BY id",
                (sqlite.MAX_INTEGER if after is None else after,),
            ).fetchall()
        return [order for order in (Order(*row) for row in rows) if order.sink in sinks]

    def finish(self, id: int, result: str) -> None:
        """Record the result of an order. Has no effect on a finished order, so it may be called twice."""
        now = time.time_ns() // 1_000_000
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE orders SET done_at = ?, result = ? WHERE id = ? AND done_at IS NULL",
                (now, result, id),
            )

    def paused(self) -> frozenset[str]:
        """
        Return the names of the paused sinks. Raises StateLost if state.db was removed or replaced.

        The set is another object after an order was placed, or a job was ordered or cancelled. Cheap enough
        to call 20 times a second: the table is read only after such a change.
        """
        version = self._database.version(_ORDERED)
        if version != self._version:
            with self._database.reading() as connection:
                rows: list[Any] = connection.execute("SELECT sink FROM paused").fetchall()
            self._paused, self._version = frozenset(sink for (sink,) in rows), version
        return self._paused
