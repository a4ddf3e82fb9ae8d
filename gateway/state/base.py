"""
The interface of the state's storage: tables with transactions, in a file of the data folder or on a server.

The modules beside this one do the rest in SQL that SQLite and PostgreSQL both understand.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Rows(Protocol):
    """The rows that a statement returns."""

    @property
    def get(self) -> Any:
        """The first column of the first row, or None if there is no row. Statements return one column."""

    def fetchone(self) -> Any:
        """Return the next row, or None if there is none."""

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection, lent for one transaction or for reading. A `?` in a statement stands for a parameter."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run one statement."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run a statement that returns nothing once for each sequence of parameters."""

    def changes(self) -> int:
        """Return the number of rows that the last statement inserted, updated or deleted."""


class Fence(Protocol):
    """A check within each transaction that records progress."""

    def check(self, connection: Connection, sink: str, partition: str, /) -> None:
        """Raise LeaseLost unless this process delivers a partition to a sink, or holds it for UPKEEP."""


class Database(Protocol):
    """The tables as one process sees them. Thread-safe; every method blocks for a bounded time."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Lend a connection for reading, for the duration of the block. Raises StateUnavailable."""

    def writing(self, *keys: str) -> AbstractContextManager[Connection]:
        """
        Lend a connection for one transaction, which is durable when the block is left.

        Transactions that have a key in common wait for each other. Raises StateLost or StateUnavailable.
        After any error the transaction has been rolled back.
        """

    def version(self, query: str) -> object:
        """
        Return an object that changes when the rows of `query` do. Raises StateLost and StateUnavailable.

        Cheap enough to call 20 times a second.
        """

    def close(self) -> None:
        """Close all connections. No call may follow."""
