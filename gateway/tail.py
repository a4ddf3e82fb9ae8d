"""Following the journal: canonical events as they come."""

import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec

from gateway.journal import files
from gateway.journal.reader import Reader

_IDLE = 0.1  # seconds between two looks


class Wanted(msgspec.Struct, frozen=True):
    """Which events to show: those that have everything that is asked for."""

    source: str | None = None
    type: str | None = None
    event: str | None = None
    user: str | None = None
    """A userId or an anonymousId."""

    def admits(self, line: bytes) -> bool:
        view = _view(line)
        return (
            self.source in (None, view.source.name)
            and self.type in (None, view.type)
            and self.event in (None, view.event)
            and self.user in (None, view.user_id, view.anonymous_id)
        )


class _Source(msgspec.Struct):
    name: str


class _View(msgspec.Struct, rename="camel"):
    type: str
    source: _Source
    event: str = ""
    user_id: str = ""
    anonymous_id: str = ""


_view = msgspec.json.Decoder(_View).decode


def follow(journal: Path, wanted: Wanted, last: int = 0) -> Iterator[bytes]:
    """Events from now on, and the `last` ones of each shard before, for ever."""
    readers: dict[str, Reader] = {}
    positions: dict[str, int] = {}
    begun = False
    while True:
        quiet = True
        for shard in files.shards(journal):
            if shard.name not in readers:
                reader = readers[shard.name] = Reader(shard)
                # A shard that appears while we look is all new.
                end = reader.oldest() if begun else reader.newest()
                positions[shard.name] = max(reader.oldest(), end - last)
            try:
                passage = readers[shard.name].read(positions[shard.name])
            except (apsw.Error, OSError):
                continue  # its writer is at it; the next look will tell
            if passage:
                quiet = False
                positions[shard.name] = passage.end
                yield from filter(wanted.admits, passage.lines)
        begun = True
        if quiet:
            time.sleep(_IDLE)
