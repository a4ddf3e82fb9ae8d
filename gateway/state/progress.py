"""The rows of progress: position, tally and intent of a sink in a partition, within a transaction."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import LeaseLost
from gateway.journal.base import Position
from gateway.state import intents, tally
from gateway.state.base import Connection
from gateway.state.intents import Intent
from gateway.state.tally import Tally

ANYWHERE = Position(-1)
"""Stands for any recorded position, or none."""

_READ = "SELECT position, epoch, tallies FROM progress WHERE sink = ? AND partition = ?"
_ADVANCE = """
    INSERT INTO progress (sink, partition, epoch, position, tallies, intent) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (sink, partition) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,
        tallies = excluded.tallies, intent = excluded.intent
"""


def advance(
    connection: Connection,
    sink: str,
    partition: str,
    position: Position,
    added: Mapping[tuple[str, str], int],
    intent: Intent | None = None,
    after: Position | None = ANYWHERE,
) -> None:
    """
    Set position and intent, and add the counts to the tally.

    Raises LeaseLost unless the recorded position is `after`, or none for None.
    """
    found: Any = connection.execute(_READ, (sink, partition)).fetchone()
    recorded = Position(*found[:2]) if found else None
    if after not in (ANYWHERE, recorded):
        raise LeaseLost(f"{sink} is at {recorded} in partition {partition}, not at {after}")
    total = tally.decode(found[2]) if found else Tally()
    total.update(added)
    row = (position.epoch, position.number, tally.encode(total), intents.encode(intent))
    connection.execute(_ADVANCE, (sink, partition, *row))


def add(connection: Connection, sink: str, partition: str, added: Mapping[tuple[str, str], int]) -> None:
    """Add counts, which may be negative, to the tally of a sink that has a position in the partition."""
    found: Any = connection.execute(_READ, (sink, partition)).fetchone()
    if not found:
        return
    total = tally.decode(found[2])
    total.update(added)
    connection.execute(
        "UPDATE progress SET tallies = ? WHERE sink = ? AND partition = ?",
        (tally.encode(total), sink, partition),
    )
