"""What operators want of a sink: commands and the inspector place orders, delivery carries them out."""

import time
from collections.abc import Collection
from typing import Any, Literal, cast

import msgspec

from gateway.state.database import Database

Verb = Literal["pause", "resume"]


class Order(msgspec.Struct, frozen=True):
    id: int
    sink: str
    verb: Verb
    argument: str
    placed_at: int
    """Milliseconds since 1970."""


class Orders:
    """For all threads of one process. Every method may raise StateUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: object = None
        self._paused: frozenset[str] = frozenset()

    def place(self, sink: str, verb: Verb, argument: str = "") -> int:
        """
        Make an order durable, and return its id. It takes the place of the sink's pending orders.

        A sink is paused or resumed from this moment on, whether or not a gateway runs.
        """
        now = time.time_ns() // 1_000_000
        with self._database.writing() as connection:
            connection.execute("DELETE FROM paused WHERE sink = ?", (sink,))
            if verb == "pause":
                connection.execute("INSERT INTO paused VALUES (?)", (sink,))
            connection.execute(
                "UPDATE orders SET done_at = ?, result = 'superseded' WHERE sink = ? AND done_at IS NULL",
                (now, sink),
            )
            return cast(
                int,
                connection.execute(
                    "INSERT INTO orders (sink, verb, argument, placed_at) VALUES (?, ?, ?, ?) RETURNING id",
                    (sink, verb, argument, now),
                ).get,
            )

    def pending(self, sinks: Collection[str]) -> list[Order]:
        """Return the orders of these sinks that nobody has carried out yet, oldest first."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT id, sink, verb, argument, placed_at FROM orders WHERE done_at IS NULL ORDER BY id"
            ).fetchall()
        return [order for order in (Order(*row) for row in rows) if order.sink in sinks]

    def finish(self, id: int, result: str) -> None:
        """Record that an order was carried out, and what came of it; one that is finished stays as it is."""
        now = time.time_ns() // 1_000_000
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE orders SET done_at = ?, result = ? WHERE id = ? AND done_at IS NULL",
                (now, result, id),
            )

    def paused(self) -> frozenset[str]:
        """
        Return the sinks to which nothing is to be delivered; StateLost if the file has lost its name.

        It may be asked 20 times a second: the table is read only if something was written since.
        """
        with self._database.reading() as connection:
            self._database.check_not_replaced()
            # What this process writes counts too, since another connection writes it.
            version = connection.pragma("data_version")
            if version != self._version:
                rows: list[Any] = connection.execute("SELECT sink FROM paused").fetchall()
                self._paused, self._version = frozenset(sink for (sink,) in rows), version
            return self._paused
