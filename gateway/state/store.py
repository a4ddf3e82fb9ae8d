"""What delivery remembers of each sink: how far it is, its receipt, and what became of the events before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.journal.base import Position
from gateway.state.database import Database, prepare
from gateway.state.orders import Orders
from gateway.state.tally import Tally, decode, encode

_RECORD = """
    INSERT INTO progress (sink, partition, epoch, position, tallies) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET epoch = excluded.epoch, position = excluded.position, tallies = excluded.tallies
"""
_RECEIPT = "INSERT INTO receipts VALUES (?, ?) ON CONFLICT DO UPDATE SET receipt = excluded.receipt"


class State:
    """
    For all threads of one process; several processes may write, each for its own sinks.

    Every method may raise StateUnavailable, and what writes StateLost; then nothing of it has happened.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.orders = Orders(database)

    @staticmethod
    def prepare(path: Path, journal: bytes, *, expected: bool = False) -> None:
        """
        See to it that there is a state of this journal; only for the process that owns the folder.

        It is called before delivery is started, and before it is started again. `expected` is whether there
        has been one, so that a warning tells if it is missing. ConfigError.
        """
        prepare(path, journal, expected=expected)

    @classmethod
    def open(cls, path: Path, journal: bytes) -> "State":
        """Open what was prepared, to write."""
        return cls(Database.open(path, journal))

    @classmethod
    def open_read_only(cls, path: Path) -> "State":
        """Open to read beside those who write."""
        return cls(Database.open_read_only(path))

    def position(self, sink: str, partition: str) -> Position | None:
        """Return where a sink goes on in a partition; None if it has never begun there."""
        with self._database.reading() as connection:
            found: Any = connection.execute(
                "SELECT position, epoch FROM progress WHERE sink = ? AND partition = ?", (sink, partition)
            ).fetchone()
        return Position(*found) if found else None

    def receipt(self, sink: str) -> bytes:
        """Return what the sink's last recorded write returned; b"" if there is nothing."""
        with self._database.reading() as connection:
            found: Any = connection.execute("SELECT receipt FROM receipts WHERE sink = ?", (sink,)).get
        return bytes(found) if found else b""

    def save_receipt(self, sink: str, receipt: bytes) -> None:
        """Make durable what a sink says before its first write."""
        with self._database.writing() as connection:
            connection.execute(_RECEIPT, (sink, receipt))

    def record(
        self,
        sink: str,
        partition: str,
        position: Position,
        tally: Mapping[tuple[str, str], int],
        receipt: bytes = b"",
    ) -> None:
        """
        Make a sink's progress durable, all in one transaction.

        The counts are added to those before; without a receipt the last one stays.
        """
        with self._database.writing() as connection:
            found: Any = connection.execute(
                "SELECT tallies FROM progress WHERE sink = ? AND partition = ?", (sink, partition)
            ).get
            total = decode(found) if found else Tally()
            total.update(tally)
            connection.execute(_RECORD, (sink, partition, position.epoch, position.number, encode(total)))
            if receipt:
                connection.execute(_RECEIPT, (sink, receipt))

    def positions(self) -> dict[tuple[str, str], Position]:
        """Return all positions, by sink and partition."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT sink, partition, position, epoch FROM progress"
            ).fetchall()
        return {(sink, partition): Position(number, epoch) for sink, partition, number, epoch in rows}

    def tallies(self) -> dict[str, Tally]:
        """Return what became of all events, by sink, over all partitions."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute("SELECT sink, tallies FROM progress").fetchall()
        found: dict[str, Tally] = {}
        for sink, text in rows:
            found.setdefault(sink, Tally()).update(decode(text))
        return found

    def paused(self) -> frozenset[str]:
        """Return the sinks to which nothing is to be delivered; cheap enough for 20 times a second."""
        return self.orders.paused()

    def close(self) -> None:
        self._database.close()
