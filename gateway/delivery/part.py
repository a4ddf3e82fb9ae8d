"""A part of a sink's work: one chunk of the journal, prepared, with the outcome of each event."""

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

import msgspec

from gateway.journal.chunk import Chunk
from gateway.state.tally import Tally


class Excluded(NamedTuple):
    """An event of the range that the sink does not get."""

    position: int
    outcome: str
    reason: str
    message: str = ""
    answer: str = ""


_position = attrgetter("position")


class Part(msgspec.Struct):
    """A chunk of the range, prepared for the sink, and the positions before it that cannot be read."""

    start: int
    end: int
    chunk: Chunk | None
    """The events as they are in the journal; None if no position can be read."""
    positions: Sequence[int]
    """Positions of the events for the sink, ascending."""
    data: bytes | memoryview
    """The events for the sink, one JSON object per line, each with its line end."""
    excluded: list[Excluded]
    lost: Tally
    """The outcome of the positions that cannot be read."""
    epoch: int
    """The epoch of the event before `end`."""

    def lines(self) -> list[bytes]:
        """Return the events for the sink, each with its line end."""
        return [line + b"\n" for line in bytes(self.data).split(b"\n")[:-1]]

    def room(self, events: int, size: int) -> int:
        """Return the position up to which the part has at most `events` events and `size` bytes."""
        if len(self.positions) <= events and len(self.data) <= size:
            return self.end
        fitting = 0
        for line in self.lines():
            size -= len(line)
            if fitting == events or size < 0:
                break
            fitting += 1
        return self.positions[fitting] if fitting else self.start

    def cut(self, at: int) -> "tuple[Part, Part]":
        """Return the parts before a position and from it on. Positions that cannot be read stay together."""
        left, right = self.pieces([at])
        return left, right

    def pieces(self, cuts: Sequence[int]) -> "list[Part]":
        """Return the parts between ascending positions. Positions that cannot be read stay together."""
        lines = self.lines()
        excluded = sorted(self.excluded, key=_position)
        pieces: list[Part] = []
        for start, end in pairwise((self.start, *cuts, self.end)):
            first, last = bisect_left(self.positions, start), bisect_left(self.positions, end)
            others = slice(*(bisect_left(excluded, place, key=_position) for place in (start, end)))
            pieces.append(
                Part(
                    start,
                    end,
                    self.chunk,
                    self.positions[first:last],
                    b"".join(lines[first:last]),
                    excluded[others],
                    Tally() if pieces else self.lost,
                    self.epoch,
                )
            )
        return pieces

    def without(self, positions: Collection[int], excluded: Iterable[Excluded] = ()) -> "Part":
        """Return the part without some of the events for the sink."""
        gone = frozenset(positions)
        kept = [
            (position, line)
            for position, line in zip(self.positions, self.lines(), strict=True)
            if position not in gone
        ]
        return msgspec.structs.replace(
            self,
            positions=[position for position, _ in kept],
            data=b"".join(line for _, line in kept),
            excluded=[*self.excluded, *excluded],
        )


def take(parts: deque[Part], events: int, size: int, end: int | None = None) -> list[Part]:
    """
    Take the parts of the next batch: up to the position `end`, or at most `events` events and `size` bytes.

    A batch has at least one event, however large, and all its events have one epoch.
    """
    taken: list[Part] = []
    while parts and (not taken or parts[0].epoch == taken[0].epoch):
        part = parts.popleft()
        cut = part.room(events, size) if end is None else min(end, part.end)
        if cut <= part.start and not taken:
            cut = part.room(1, len(part.data))
        if cut <= part.start:
            parts.appendleft(part)
            break
        if cut < part.end:
            part, rest = part.cut(cut)
            parts.appendleft(rest)
            taken.append(part)
            break
        taken.append(part)
        events -= len(part.positions)
        size -= len(part.data)
    return taken
