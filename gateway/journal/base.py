"""
The log: what the rest of the gateway knows of the journal, whichever engine keeps it.

A log has partitions. In each the events are numbered from 0 on, in the order in which they became durable;
what one commit made durable together is a chunk, and a chunk is what readers get. The engine that comes with
the gateway keeps chunks in files (segments/); every other one offers the same.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from gateway.errors import GatewayError
from gateway.journal.chunk import Chunk

ANY = 0
"""The epoch of a position that is not checked against the log's history."""


class Position(NamedTuple):
    """
    A place in a partition: the number of the next event, and the epoch of the event before it.

    An epoch is a number drawn at random for each stretch of a partition's history. An event has the same
    number and epoch for ever, and no two events ever have both in common: so a position that was noted
    beside another copy of the journal is recognised.
    """

    number: int
    epoch: int = ANY

    def __str__(self) -> str:
        return str(self.number)


class Slice(msgspec.Struct):
    """What a reader found from a position on: whole chunks; the first one may begin in its middle."""

    end: Position
    """Where to read on."""
    chunks: list[Chunk]
    damaged: int = 0
    """Events before `end` that cannot be read any more."""
    released: int = 0
    """Events before `end` that were deleted, as nobody was said to need them."""

    @property
    def events(self) -> int:
        return sum(chunk.count for chunk in self.chunks)


class UnknownPosition(GatewayError):
    """
    The log has no such position: it is past the end, or belongs to another history.

    Events may have been numbered anew since it was noted, so that the only safe place to go on from is
    the oldest event that is kept.
    """

    def __init__(self, position: Position, oldest: int, newest: int) -> None:
        super().__init__(
            f"position {position.number} is not one of this journal, which has {oldest} to {newest}"
        )
        self.position = position
        self.oldest = oldest
        self.newest = newest


class Reader(Protocol):
    """One partition, read by one thread at a time. Sees nothing that is not durable. OSError may pass."""

    def read(self, position: Position, limit: int = ...) -> Slice | None:
        """
        Return what follows a position, or None if there is nothing yet.

        `limit` is in bytes, and never divides a chunk. Raises UnknownPosition.
        """

    def knows(self, position: Position) -> bool:
        """Whether `read` would take a position for one of this log."""

    def oldest(self) -> int:
        """The number of the oldest event that is kept; `newest()` if there is none."""

    def newest(self) -> int:
        """One past the number of the newest durable event."""

    def seek(self, time: float) -> int:
        """The number of the first event in a chunk appended at or after `time` (seconds since 1970)."""

    def close(self) -> None: ...


class Appender(Protocol):
    """The only writer of one partition. Used on one event loop."""

    def append(self, blocks: Sequence[bytes], carries: int = ..., count: int | None = ...) -> Awaitable[None]:
        """
        Return once the events are durable, in their order.

        A block is one event or several, a line each, without the end of the last line; `count` is the number
        of events, if it is not one a block. `carries` says what they may carry (see chunk.py). Raises
        Overloaded if nothing was tried, and JournalUnavailable if the events cannot be acknowledged; they may
        be there all the same.
        """

    async def probe(self) -> None:
        """Return if something was appended a moment ago, or could be now; else raise JournalUnavailable."""

    async def close(self) -> None:
        """Finish what was begun."""


class Log(Protocol):
    """A journal."""

    def partitions(self) -> list[str]:
        """Names of all partitions, also of those that nobody appends to any more."""

    def reader(self, partition: str, *, quarantine: bool = ...) -> Reader:
        """`quarantine`: whether what is found damaged is kept for somebody to look at."""

    def size(self) -> int:
        """Bytes that the whole log takes."""

    def short(self) -> bool:
        """Whether room is getting so short that delivered events should go before their time."""

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """
        Delete events that nobody needs: in each partition those before its position that were appended
        before `before` (seconds since 1970). Some of them may stay, and go later.
        """
