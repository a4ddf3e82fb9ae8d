"""The state of each sink: its positions, its receipt, and the tally of the events before its positions."""

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
    The state of delivery, in state.db.

    Thread-safe. Several processes may have it open; each writes for its own sinks. A method that writes
    blocks on the disk, and for up to 10 s while another process writes, so call it in a thread.

    Every method may raise StateUnavailable and may then be called again. `paused` and methods that write may
    raise StateLost; the state must then be opened anew. After an error nothing has been written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.orders = Orders(database)

    @staticmethod
    def prepare(path: Path, journal: bytes, *, expected: bool = False) -> None:
        """
        Ensure that there is a state of this journal. Only the process that owns the folder may call it.

        Call it before delivery is started, and again before each restart. A state that is damaged or belongs
        to another journal is set aside and recreated. `expected` logs a warning if there is no state yet.
        Raises ConfigError.
        """
        prepare(path, journal, expected=expected)

    @classmethod
    def open(cls, path: Path, journal: bytes) -> "State":
        """Open the state for reading and writing. Raises StateUnavailable unless it was prepared."""
        return cls(Database.open(path, journal))

    @classmethod
    def open_read_only(cls, path: Path) -> "State":
        """Open the state for reading, concurrently with writers. Raises StateUnavailable if there is none."""
        return cls(Database.open_read_only(path))

    def position(self, sink: str, partition: str) -> Position | None:
        """Return the position of a sink in a partition, or None if it has never started there."""
        with self._database.reading() as connection:
            found: Any = connection.execute(
                "SELECT position, epoch FROM progress WHERE sink = ? AND partition = ?", (sink, partition)
            ).fetchone()
        return Position(*found) if found else None

    def receipt(self, sink: str) -> bytes:
        """Return the last recorded receipt of a sink, or b"" if there is none."""
        with self._database.reading() as connection:
            found: Any = connection.execute("SELECT receipt FROM receipts WHERE sink = ?", (sink,)).get
        return bytes(found) if found else b""

    def save_receipt(self, sink: str, receipt: bytes) -> None:
        """Store the receipt that a sink has issued before its first write."""
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
        Store the progress of a sink durably, in one transaction: position, tally and receipt.

        The counts of `tally` are added to the recorded ones, so a call must not be repeated after success.
        With an empty receipt, the recorded one is retained.
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
        """Return the tally of each sink over all partitions."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute("SELECT sink, tallies FROM progress").fetchall()
        found: dict[str, Tally] = {}
        for sink, text in rows:
            found.setdefault(sink, Tally()).update(decode(text))
        return found

    def paused(self) -> frozenset[str]:
        """Return the names of the paused sinks. Cheap enough to call 20 times a second."""
        return self.orders.paused()

    def close(self) -> None:
        """Close all connections. No call may follow."""
        self._database.close()
