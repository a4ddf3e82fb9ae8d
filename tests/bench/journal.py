"""Journals that are filled directly, as no load could in the time, and as only an intake does otherwise."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.bench import events, request
from tests.bench.configs import config
from tests.gateway import Gateway

_CHUNK = 100  # events
_JOURNAL = "data/journal"


class Partition(Protocol):
    """The writing side of the log, as far as it is needed here."""

    def recover(self) -> None: ...
    def write(self, lines: Sequence[bytes], carries: int) -> None: ...
    def close(self) -> None: ...


def fill(folder: Path, count: int) -> None:
    """Make a gateway's journal in its folder, and put canonical events into it, in chunks of 100."""
    folder.mkdir(exist_ok=True)
    with Gateway(folder, config({"nothing": "null"})) as once:  # which gives the journal its id
        once.stop()
    journal = folder / _JOURNAL
    identity = json.loads((journal / "identity.json").read_text())
    partition = open_partition(journal, bytes.fromhex(identity["journal"]))
    lines = Lines()
    for start in range(0, count, _CHUNK):
        partition.write(lines.take(min(_CHUNK, count - start)), carries=0)
    partition.close()


def open_partition(folder: Path, journal: bytes) -> Partition:
    """The first partition of a journal, which no gateway may have open."""
    from gateway.journal.segments.log import SegmentLog  # type: ignore[import-not-found,unused-ignore]

    partition: Partition = SegmentLog(folder, journal=journal).partition("0")
    partition.recover()
    return partition


class Lines:
    """Canonical events, each with another id."""

    def __init__(self) -> None:
        self._before, _, self._after = events.canonical().partition(events.MARK.encode())
        self._next = request.first_number()

    def take(self, count: int) -> list[bytes]:
        first, self._next = self._next, self._next + count
        return [b"%b%d%b" % (self._before, number, self._after) for number in range(first, self._next)]
