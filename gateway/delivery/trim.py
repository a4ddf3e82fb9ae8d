"""Deleting what every sink has."""

import time
from collections.abc import Collection

from gateway.journal.base import Log
from gateway.state.store import State


def trim(journal: Log, keep: float, sinks: Collection[str], state: State) -> None:
    """
    Release events that all `sinks` are past, once they are older than `keep` seconds, or where room is short.

    A position that is not one of this journal counts for nothing. Raises OSError.
    """
    recorded = state.positions()
    reached = {}
    for partition in journal.partitions():
        reader = journal.reader(partition)
        positions = [recorded.get((sink, partition)) for sink in sinks]
        reached[partition] = min(
            (each.number if each and reader.accepts(each) else 0 for each in positions), default=0
        )
        reader.close()
    journal.release(reached, time.time() - (0 if journal.is_low_on_space() else keep))
