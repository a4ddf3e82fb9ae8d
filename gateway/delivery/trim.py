"""Retention: delete events that every sink has passed."""

import time
from collections.abc import Collection

from gateway.journal.base import Log
from gateway.state.store import State


def trim(
    journal: Log,
    keep: float,
    sinks: Collection[str],
    state: State,
    partitions: Collection[str] | None = None,
) -> None:
    """
    Release events older than `keep` seconds that are before the positions of all `sinks`.

    With `partitions`, only these are trimmed. If the journal is low on space, the age of events does
    not matter. While a sink has no valid position in a partition, nothing is released there. May be repeated.
    Raises OSError and StateUnavailable.
    """
    recorded = state.positions()
    reached = {}
    for partition in journal.partitions() if partitions is None else partitions:
        reader = journal.reader(partition)
        positions = [recorded.get((sink, partition)) for sink in sinks]
        reached[partition] = min(
            (each.number if each and reader.accepts(each) else 0 for each in positions), default=0
        )
        reader.close()
    journal.release(reached, time.time() - (0 if journal.is_low_on_space() else keep))
