"""
Verdicts: up to which position each partition is indexed, and which events before it are duplicates.

Every event before the position that is not a duplicate is new. The verdict of an event is made once and is
the same for all sinks.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.journal.base import Position
from gateway.state.base import Connection, Database, Fence

UPKEEP = "/upkeep"
"""
Stands in place of a sink's name for work done once for all sinks: making verdicts, releasing old events.

No sink has a slash in its name.
"""

_INDEXED = """
    INSERT INTO indexed (partition, epoch, position) VALUES (?, ?, ?)
    ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, position = excluded.position
"""
_LIMITS = "SELECT partition, position, epoch FROM indexed"


class Indexed(NamedTuple):
    """A range of a partition that was indexed, up to `end`."""

    partition: str
    end: Position
    duplicates: Sequence[int]
    """Numbers of the events in the range that are duplicates."""


class _Limits(NamedTuple):
    """The positions of the first events without a verdict, and the version of the database they are from."""

    version: object
    positions: Mapping[str, Position]
    ends: Mapping[str, int]


class Verdicts:
    """
    Thread-safe. Every method blocks and may raise StateUnavailable; it then has had no effect.

    Methods that write may raise StateLost. Only one process may write.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.fence: Fence | None = None
        self._read = _Limits(None, {}, {})

    def journal(self) -> bytes:
        """Return the id of the journal that the verdicts are about."""
        with self._database.reading() as connection:
            found: Any = connection.execute("SELECT journal FROM meta").get
        return bytes(found)

    def record(self, ranges: Iterable[Indexed]) -> None:
        """Store the verdicts of ranges durably, in one transaction. May be repeated."""
        with self._database.writing() as connection:
            for partition, end, duplicates in ranges:
                self._check(connection, partition)
                connection.executemany(
                    "INSERT INTO duplicates VALUES (?, ?) ON CONFLICT DO NOTHING",
                    ((partition, number) for number in duplicates),
                )
                connection.execute(_INDEXED, (partition, end.epoch, end.number))

    def positions(self) -> dict[str, Position]:
        """Return the position up to which each partition is indexed."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(_LIMITS).fetchall()
        return {partition: Position(number, epoch) for partition, number, epoch in rows}

    def ends(self) -> Mapping[str, int]:
        """
        Return the number of the first event without a verdict, by partition.

        A partition that is not indexed yet is missing. Cheap enough to call 10 times a second: the table is
        read only after the database has changed.
        """
        return self._current().ends

    def limit(self, partition: str) -> Position:
        """Return the position of the first event without a verdict. As cheap as `ends`."""
        return self._current().positions.get(partition, Position(0))

    def duplicates(self, partition: str, first: int, end: int) -> list[int]:
        """Return the numbers of the duplicates from `first` on and before `end`, in ascending order."""
        with self._database.reading() as connection:
            rows: list[Any] = connection.execute(
                "SELECT number FROM duplicates WHERE partition = ? AND number >= ? AND number < ?"
                " ORDER BY number",
                (partition, first, end),
            ).fetchall()
        return [number for (number,) in rows]

    def forget(self, partition: str) -> None:
        """Delete all verdicts of a partition because its events have been renumbered."""
        with self._database.writing() as connection:
            self._check(connection, partition)
            connection.execute("DELETE FROM indexed WHERE partition = ?", (partition,))
            connection.execute("DELETE FROM duplicates WHERE partition = ?", (partition,))

    def trim(self, oldest: Mapping[str, int]) -> None:
        """Delete the verdicts of events before the oldest that each partition retains. May be repeated."""
        trimmed = [each for each in oldest.items() if self.duplicates(each[0], 0, each[1])]
        if trimmed:
            with self._database.writing() as connection:
                for partition, _ in trimmed:
                    self._check(connection, partition)
                connection.executemany("DELETE FROM duplicates WHERE partition = ? AND number < ?", trimmed)

    def _current(self) -> "_Limits":
        version, found = self._database.version(_LIMITS), self._read
        if version != found.version:
            limits = self.positions()
            ends = {partition: limit.number for partition, limit in limits.items()}
            found = self._read = _Limits(version, limits, ends)
        return found

    def _check(self, connection: Connection, partition: str) -> None:
        if self.fence:
            self.fence.check(connection, UPKEEP, partition)
