"""The rows of progress: position, tally and intent of a sink in a partition, within a transaction."""

from collections.abc import Mapping
from typing import Any

import apsw

from gateway.journal.base import Position
from gateway.state import intents, tally
from gateway.state.intents import Intent
from gateway.state.tally import Tally

_ADVANCE = """
    INSERT INTO progress (sink, partition, epoch, position, tallies, intent) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET epoch = excluded.epoch, position = excluded.position,
        tallies = excluded.tallies, intent = excluded.intent
"""


def advance(
    connection: apsw.Connection,
    sink: str,
    partition: str,
    position: Position,
    added: Mapping[tuple[str, str], int],
    intent: Intent | None = None,
) -> None:
    """Set position and intent, and add the counts to the tally."""
    total = _tally(connection, sink, partition)
    total.update(added)
    row = (position.epoch, position.number, tally.encode(total), intents.encode(intent))
    connection.execute(_ADVANCE, (sink, partition, *row))


def add(connection: apsw.Connection, sink: str, partition: str, added: Mapping[tuple[str, str], int]) -> None:
    """Add counts, which may be negative, to the tally of a sink that has a position in the partition."""
    total = _tally(connection, sink, partition)
    total.update(added)
    connection.execute(
        "UPDATE progress SET tallies = ? WHERE sink = ? AND partition = ?",
        (tally.encode(total), sink, partition),
    )


def _tally(connection: apsw.Connection, sink: str, partition: str) -> Tally:
    found: Any = connection.execute(
        "SELECT tallies FROM progress WHERE sink = ? AND partition = ?", (sink, partition)
    ).get
    return tally.decode(found) if found else Tally()
