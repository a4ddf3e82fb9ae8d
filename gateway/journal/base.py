"""
The interface of the journal: an append-only log that the rest of the gateway knows only by these types.

A log has partitions. Within a partition events are numbered from 0, in the order in which they became
durable. The events that one commit made durable together are a chunk, and readers receive chunks. The engine
that comes with the gateway stores chunks in files (segments/); any other engine implements the same
protocols.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from gateway.errors import GatewayError, JournalUnavailable
from gateway.journal.chunk import Chunk

ANY_EPOCH = 0
"""The epoch of a position that is not checked against the history of its partition."""


class Position(NamedTuple):
    """
    A place in a partition: the number of the next event, and the epoch of the event before it.

    An epoch is a random number for each stretch of a partition's history. The number and epoch of an event
    never change, and no two events share both. A position that was recorded for another copy of the journal
    is therefore detected.
    """

    number: int
    epoch: int = ANY_EPOCH

    def __str__(self) -> str:
        return str(self.number)


class Slice(msgspec.Struct):
    """The result of reading a partition from a position. The first chunk may lack its first events."""

    end: Position
    """The position from which to continue reading."""
    chunks: list[Chunk]
    damaged: int = 0
    """Number of events before `end` that can no longer be read."""
    released: int = 0
    """Number of events before `end` that were deleted, see Log.release."""

    @property
    def events(self) -> int:
        return sum(chunk.count for chunk in self.chunks)


class UnknownPosition(GatewayError):
    """
    The log has no such position: it is past the end, or belongs to another history.

    Event numbers may have been reused since the position was recorded, so the only safe place to continue
    from is the oldest retained event.
    """

    def __init__(self, position: Position, oldest: int, newest: int) -> None:
        super().__init__(
            f"position {position.number} does not belong to this journal, which has {oldest} to {newest}"
        )
        self.position = position
        self.oldest = oldest
        self.newest = newest


class Reader(Protocol):
    """
    Reads one partition, while another process may append to it. Returns only durable events.

    Not thread-safe: one thread at a time. Blocks on the disk or the network, so never call it on an event
    loop. Every method may raise OSError and may then be called again.
    """

    def read(self, position: Position, limit: int = ...) -> Slice | None:
        """
        Return the events from a position on, or None if there are none yet.

        Positions may be read in any order and any number of times. `limit` is in bytes. A chunk is never
        split at the limit: the slice ends with the chunk that reaches it. Raises UnknownPosition.
        """

    def accepts(self, position: Position) -> bool:
        """Return True if `read` would not raise UnknownPosition for this position."""

    def oldest(self) -> int:
        """Return the number of the oldest retained event, or `newest()` if there is none."""

    def newest(self) -> int:
        """Return one past the number of the newest durable event: 0 in an empty partition."""

    def seek(self, time: float) -> int:
        """
        Return the number of the first event whose chunk was appended at or after `time`.

        `time` is in seconds since 1970. Returns `newest()` if there is no such event.
        """

    def close(self) -> None:
        """Release all files or connections. May be called twice."""


class Promise:
    """What an acknowledgement means, as clients read it in `X-Durability`."""

    def __init__(self, durability: str = "fsync", broken: str = "") -> None:
        self.broken = broken
        """Why nothing may be acknowledged, or ""."""
        self.keep(durability, broken)

    def keep(self, durability: str, broken: str = "") -> None:
        """Change the promise from now on."""
        self.header = (b"x-durability", durability.encode())
        self.broken = broken


class Appending(Protocol):
    """Accepts events: all that the intake's roads need of an appender. Bound to one event loop."""

    def append(
        self,
        blocks: Sequence[bytes],
        carries: int = ...,
        count: int | None = ...,
        partitions: Sequence[int] = ...,
        /,
    ) -> Awaitable[None]:
        """
        Return once the events are durable. Within a partition they keep their order.

        In the embedded journal no other events come between them. `partitions` has the partition of each
        event, and is empty if there is only one partition.

        A block is one or more events, a line each, without the end of the last line; `count` is the number of
        events, if it is not one per block. `carries` says which optional parts the events may have, see
        chunk.py. Raises Overloaded if nothing was written, and JournalUnavailable if the events cannot be
        acknowledged; they may be stored nevertheless. A cancelled call may still store its events.
        """

    def append_then(
        self,
        block: bytes,
        carries: int,
        count: int,
        done: Callable[[JournalUnavailable | None], None],
        partitions: Sequence[int] = ...,
        /,
    ) -> None:
        """Append one block; call `done`, which must not raise, when `append` would return, with its error."""


class Appender(Appending, Protocol):
    """
    Appends to the log: to one partition, as its only writer, or to all, each event to its person's partition.

    Bound to one event loop; not thread-safe.
    """

    @property
    def promise(self) -> Promise: ...

    @property
    def partitions(self) -> int:
        """The number of partitions over which events are spread by person, see persons.py."""

    @property
    def max_line(self) -> int:
        """The size in bytes of the largest event that the log can keep."""

    async def probe(self) -> None:
        """Return if a commit succeeded within the last second or succeeds now. Raises JournalUnavailable."""

    async def close(self) -> None:
        """Complete all pending appends and release the partition. No call may follow, except `close`."""


class Log(Protocol):
    """A journal. Thread-safe. Every method blocks and may raise OSError."""

    def partitions(self) -> list[str]:
        """Return the names of all partitions, including those without a writer."""

    def reader(self, partition: str, *, quarantine: bool = ...) -> Reader:
        """
        Return a new reader of a partition, which need not exist yet.

        With `quarantine`, the reader saves a copy of damaged bytes for inspection, logs the damage and counts
        it; one reader of each partition should do so.
        """

    def size(self) -> int:
        """Return the size of the whole log on disk, in bytes."""

    def is_low_on_space(self) -> bool:
        """Return True if delivered events should be released before their retention time ends."""

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """
        Allow the deletion of events that no reader needs any longer.

        These are, in each partition, the events before its position that were appended before `before`
        (seconds since 1970). An engine may retain some of them and delete them later. May be repeated.
        """
