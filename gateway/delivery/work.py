"""
The work of a sink: a range of positions, prepared, with the outcome of each event.

Work can be split between any two events, which is how the culprit of a refused batch is found.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from itertools import pairwise

import msgspec

from gateway.delivery.part import Excluded, Part
from gateway.errors import Culprit, SinkRefused
from gateway.journal.base import Position
from gateway.sinks.base import Batch, Origin
from gateway.state import intents
from gateway.state.intents import Intent
from gateway.state.letters import Burial
from gateway.state.tally import Tally


class Work(msgspec.Struct):
    """Parts of one partition and epoch, without gaps between them."""

    sink: str
    partition: str
    parts: list[Part]
    origin: Origin = "live"
    suffix: str = ""
    delivered: tuple[int, ...] = ()
    """Positions of events that the target has, although the batch failed; ascending."""
    tries: int = 0
    first_failed_at: int = 0
    """Milliseconds since 1970; 0: no attempt has failed."""
    version: int = 1
    """The version of the intent with which it, or the work that it is a piece of, was written."""
    _batch: Batch | None = None
    _digest: str = ""

    @property
    def first(self) -> int:
        return self.parts[0].start

    @property
    def end(self) -> Position:
        """The position after the work."""
        return Position(self.parts[-1].end, self.parts[-1].epoch)

    @property
    def count(self) -> int:
        """Number of events for the sink that the target does not have."""
        return sum(len(part.positions) for part in self.parts) - len(self.delivered)

    @property
    def batch(self) -> Batch | None:
        """The events for the sink that the target does not have, or None if there are none."""
        if self._batch is None and self.count:
            parts = [part.without(self.delivered) for part in self.parts] if self.delivered else self.parts
            datas = [part.data for part in parts if part.positions]
            positions = [part.positions for part in parts if part.positions]
            self._batch = Batch(
                self.sink,
                self.partition,
                self.first,
                self.parts[-1].end,
                _join(positions),
                b"".join(datas),
                self.parts[-1].epoch,
                self.origin,
                self.suffix,
            )
        return self._batch

    @property
    def digest(self) -> str:
        """
        A digest of the events for the sink, including those that the target has.

        A sink that can tell which events it has gives each event an id. After a crash, all of them are sent
        again, and must keep their ids.
        """
        if not self._digest:
            self._digest = intents.digest(b"".join(part.data for part in self.parts))
        return self._digest

    @property
    def id(self) -> str:
        """The id of the batch, even if no event is left in it."""
        return f"{self.sink}/{self.partition}/{self.first}-{self.parts[-1].end}{self.suffix}"

    @property
    def has_burials(self) -> bool:
        """True if one of the excluded events is a dead letter."""
        return any(each.outcome == "dead" for part in self.parts for each in part.excluded)

    def intent_after(self, known: Intent | None) -> Intent:
        """Return the intent of the batch that is written now; `known` is that recorded for its position."""
        return (known or Intent(0, "", 0)).following(self.end.number, self.digest, self.version)

    def tally(self) -> Tally:
        """Return the outcomes of all events, provided that those for the sink are delivered."""
        tally = Tally({("delivered", ""): self.count + len(self.delivered)})
        for part in self.parts:
            tally.update(part.lost)
            tally.update((each.outcome, each.reason) for each in part.excluded)
        return tally

    def burials(self) -> list[Burial]:
        """Return the dead letters among the excluded events."""
        now = time.time_ns() // 1_000_000
        return [
            Burial(
                each.position,
                part.epoch,
                self.id,
                each.reason,
                each.message,
                each.answer,
                self.tries,
                self.first_failed_at or now,
                now,
                _original(part, each.position),
            )
            for part in self.parts
            for each in part.excluded
            if each.outcome == "dead"
        ]

    def failed(self) -> None:
        """Count a failed attempt."""
        self.tries += 1
        self.first_failed_at = self.first_failed_at or time.time_ns() // 1_000_000

    def buried(self, culprit: Culprit) -> "Work":
        """Return the same work with all events of the batch as dead letters."""
        had = set(self.delivered)
        parts = []
        for part in self.parts:
            gone = [position for position in part.positions if position not in had]
            dead = [
                Excluded(position, "dead", culprit.code, culprit.message, culprit.answer) for position in gone
            ]
            parts.append(part.without(gone, dead))
        return self._with(parts)

    def without(self, indexes: Collection[int]) -> "Work":
        """Return the same work without events of the batch that the target has."""
        positions = self.batch.positions if self.batch else ()
        had = sorted({*self.delivered, *(positions[index] for index in indexes)})
        return msgspec.structs.replace(self, delivered=tuple(had), _batch=None)

    def intended(self, intent: Intent, suffix: str) -> "Work":
        """Return the same work with the version of its intent, and an id that ends with the suffix."""
        return msgspec.structs.replace(self, version=intent.version, suffix=suffix, _batch=None)

    def split(self, error: SinkRefused) -> "list[tuple[Work, Culprit | None]]":
        """
        Return the parts to try separately, in order, after a refusal, each with its culprit if it is one.

        A culprit is alone in its part. If the target names none, there are two halves.
        """
        culprits = dict(error.culprits)
        positions: Sequence[int] = self.batch.positions if self.batch else ()
        if not culprits and len(positions) == 1:
            culprits = {0: Culprit(str(error), error.code, error.answer)}
        if culprits:
            starts = {index for culprit in culprits for index in (culprit, culprit + 1)}
        else:
            starts = {len(positions) // 2}
        cuts = sorted(positions[index] for index in starts if 0 < index < len(positions))
        by_position = {positions[index]: culprit for index, culprit in culprits.items()}
        return [
            (
                piece,
                next(
                    (by_position[p] for part in piece.parts for p in part.positions if p in by_position), None
                ),
            )
            for piece in self._cut(cuts)
        ]

    def _cut(self, cuts: Sequence[int]) -> "list[Work]":
        starts, pieces = set(cuts), list[list[Part]]([[]])
        for part in self.parts:
            within = cuts[bisect_right(cuts, part.start) : bisect_left(cuts, part.end)]
            for piece in part.pieces(within):
                if piece.start in starts:
                    pieces.append([])
                pieces[-1].append(piece)
        works = [self._with(parts) for parts in pieces]
        for work in works:
            bounds = (bisect_left(self.delivered, place) for place in (work.first, work.end.number))
            work.delivered = self.delivered[slice(*bounds)]
        return works

    def _with(self, parts: list[Part]) -> "Work":
        return msgspec.structs.replace(self, parts=parts, _batch=None, _digest="")


def _join(positions: list[Sequence[int]]) -> Sequence[int]:
    if len(positions) == 1:
        return positions[0]
    if all(isinstance(each, range) for each in positions) and all(
        left[-1] + 1 == right[0] for left, right in pairwise(positions)
    ):
        return range(positions[0][0], positions[-1][-1] + 1)
    return [position for each in positions for position in each]


def _original(part: Part, position: int) -> bytes:
    if part.chunk is None:
        raise ValueError(f"position {position} cannot be read")
    return part.chunk.lines()[position - part.chunk.first]
