"""The statements of the sink `postgres` for one table and its columns."""

from collections.abc import Sequence

from gateway.sinks.postgresql.schema import Table

STAGE_SCHEMA, STAGE = "pg_temp", "event_gateway_stage"
"""A temporary table that holds the rows of one transaction."""


class Statements:
    """The parameters $1, $2 and $3 belong to a position: sink, partition and epoch. Immutable."""

    def __init__(self, table: Table, columns: Sequence[str], *, unique: bool) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        events, positions = table.quoted, table.positions
        of_partition = "WHERE sink = $1 AND partition = $2 AND epoch = $3"

        self.begin = (
            f"INSERT INTO {positions} (sink, partition, epoch, position, ahead) VALUES ($1, $2, $3, 0, 0)"
            " ON CONFLICT DO NOTHING"
        )
        """Start a partition at position 0 unless it has a position."""

        self.position = f"SELECT position FROM {positions} {of_partition}"

        self.advance = (
            f"UPDATE {positions} SET position = $5, updated_at = now() {of_partition} AND position = $4"
            " RETURNING ahead"
        )
        """Change the position from $4 to $5. Returns no row if it is not $4."""

        self.reach_ahead = (
            f"INSERT INTO {positions} AS known (sink, partition, epoch, position, ahead)"
            " VALUES ($1, $2, $3, 0, $4) ON CONFLICT (sink, partition, epoch) DO UPDATE"
            " SET ahead = CASE WHEN $4 > known.position THEN greatest(known.ahead, $4) ELSE known.ahead END"
        )
        """Record that events before $4 may be in the table, although they are beyond the position."""

        self.stage = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {STAGE} ON COMMIT DELETE ROWS"
            f" AS SELECT {names} FROM {events} WITH NO DATA"
        )

        missing = (
            "ON CONFLICT DO NOTHING"
            if unique
            else f"WHERE NOT EXISTS (SELECT FROM {events} AS found"
            " WHERE found.position = stage.position AND found.id = stage.id)"
        )
        self.insert_missing = (
            f"INSERT INTO {events} ({names}) SELECT {names} FROM {STAGE_SCHEMA}.{STAGE} AS stage {missing}"
        )
        """Insert the staged rows that the table does not have."""
