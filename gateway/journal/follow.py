"""Following the log: canonical events as they come."""

import time
from collections.abc import Iterator

import msgspec

from gateway.event import read_subject
from gateway.journal.base import Log, Position, Reader, UnknownPosition

_IDLE = 0.1  # seconds between two looks


class Wanted(msgspec.Struct, frozen=True):
    """Which events to show: those that have everything that is asked for."""

    source: str | None = None
    type: str | None = None
    event: str | None = None
    user: str | None = None
    """A userId or an anonymousId."""

    def admits(self, line: bytes) -> bool:
        subject = read_subject(line)
        return (
            self.source in (None, subject.source.name)
            and self.type in (None, subject.type)
            and self.event in (None, subject.event)
            and self.user in (None, subject.user_id, subject.anonymous_id)
        )


def follow(journal: Log, wanted: Wanted, last: int = 0) -> Iterator[bytes]:
    """Events from now on, and the `last` ones of each partition before, for ever."""
    readers: dict[str, Reader] = {}
    numbers: dict[str, int] = {}
    begun = False
    while True:
        quiet = True
        for partition in journal.partitions():
            try:
                if partition not in readers:
                    reader = readers[partition] = journal.reader(partition)
                    # A partition that appears while we look is all new.
                    end = reader.oldest() if begun else reader.newest()
                    numbers[partition] = max(reader.oldest(), end - last)
                piece = readers[partition].read(Position(numbers[partition]))
            except UnknownPosition as error:  # the journal was exchanged while we looked
                numbers[partition] = error.oldest
                continue
            except OSError:
                continue  # its writer is at it; the next look will tell
            if piece:
                quiet = False
                numbers[partition] = piece.end.number
                for chunk in piece.chunks:
                    yield from filter(wanted.admits, chunk.lines())
        begun = True
        if quiet:
            time.sleep(_IDLE)
