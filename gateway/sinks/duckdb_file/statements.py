"""The statements of the sink `duckdb` for one table and its columns."""

from collections.abc import Sequence

STAGE = "event_gateway_stage"
"""The name under which DuckDB reads the Arrow table with the rows of a batch."""

_POSITION = 'sink = $sink AND "partition" = $partition AND epoch = $epoch'


class Statements:
    """The parameters $sink, $partition and $epoch belong to a position. Immutable."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        events, positions = f'"{table}"', f'"{table}_positions"'

        self.position = f"SELECT position, ahead FROM {positions} WHERE {_POSITION}"

        self.begin = (
            f"INSERT INTO {positions} VALUES ($sink, $partition, $epoch, 0, 0, now()) ON CONFLICT DO NOTHING"
        )
        """Start a partition at position 0 unless it has a position."""

        self.advance = f"UPDATE {positions} SET position = $end, updated_at = now() WHERE {_POSITION}"

        self.reach_ahead = (
            f"UPDATE {positions} SET ahead = greatest(ahead, $end) WHERE {_POSITION} AND $end > position"
        )
        """Record that events before $end may be in the table, although they are beyond the position."""

        self.insert = f"INSERT INTO {events} ({names}) SELECT {names} FROM {STAGE}"

        self.insert_missing = (
            f"{self.insert} AS stage WHERE NOT EXISTS (SELECT 1 FROM {events} AS found"
            " WHERE found.position = stage.position AND found.id = stage.id)"
        )
        """Insert the staged rows that the table does not have."""
