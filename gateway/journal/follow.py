"""Follow the journal: yield canonical events as they are appended."""

import time
from collections.abc import Iterator

import msgspec

from gateway.event import read_subject
from gateway.journal.base import Log, Position, Reader, UnknownPosition

_POLL_SECONDS = 0.1


class Wanted(msgspec.Struct, frozen=True):
    """A filter on events; None matches everything."""

    source: str | None = None
    type: str | None = None
    event: str | None = None
    user: str | None = None
    """Matches userId or anonymousId."""
    message_id: str | None = None

    @property
    def is_everything(self) -> bool:
        """True if every event matches."""
        return self == Wanted()

    def admits(self, line: bytes) -> bool:
        subject = read_subject(line)
        return (
            self.source in (None, subject.source.name)
            and self.type in (None, subject.type)
            and self.event in (None, subject.event)
            and self.user in (None, subject.user_id, subject.anonymous_id)
            and self.message_id in (None, subject.message_id)
        )


def follow(journal: Log, wanted: Wanted, last: int = 0) -> Iterator[bytes]:
    """
    Yield the last `last` events of each partition, then new events as they are appended, forever.

    `wanted` applies after `last`. Blocks the calling thread between events.
    """
    readers: dict[str, Reader] = {}
    numbers: dict[str, int] = {}
    started = False
    while True:
        idle = True
        for partition in journal.partitions():
            try:
                if partition not in readers:
                    reader = journal.reader(partition)
                    # A partition that appears later is new from its first event on.
                    end = reader.oldest() if started else reader.newest()
                    numbers[partition] = max(reader.oldest(), end - last)
                    readers[partition] = reader
                found = readers[partition].read(Position(numbers[partition]))
            except UnknownPosition as error:  # the journal was replaced meanwhile
                numbers[partition] = error.oldest
                continue
            except OSError:
                continue  # a writer may be working on the file; try again at the next poll
            if found:
                idle = False
                numbers[partition] = found.end.number
                for chunk in found.chunks:
                    yield from filter(wanted.admits, chunk.lines())
        started = True
        if idle:
            time.sleep(_POLL_SECONDS)
