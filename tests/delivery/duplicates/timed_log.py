"""A journal in memory, whose chunks have the times that a test gives."""

from collections.abc import Mapping, Sequence

from gateway.journal.base import ANY_EPOCH, Position, Slice, UnknownPosition
from gateway.journal.chunk import Chunk
from tests.build import event_line

HOUR = 3600.0


class TimedLog:
    """Implements journal.base.Log; chunks may be added and removed at any time."""

    def __init__(self) -> None:
        self.chunks: dict[str, list[Chunk]] = {}
        self._epoch = 1

    def append(self, partition: str, time: float, *ids: str, source: str = "default") -> None:
        """Add one chunk, `time` seconds after the first moment of 1970, with events that have these ids."""
        lines = [event_line(messageId=id, source={"name": source, "dialect": "segment"}) for id in ids]
        self.append_lines(partition, time, lines)

    def append_lines(self, partition: str, time: float, lines: Sequence[bytes]) -> None:
        chunks = self.chunks.setdefault(partition, [])
        first = chunks[-1].end if chunks else 0
        data = b"".join(line + b"\n" for line in lines)
        chunks.append(Chunk(first, len(lines), self._epoch, round(time * 1000), 0, data))

    def cut(self, partition: str, chunks: int) -> None:
        """Restore a partition to a backup with so many chunks; what is appended then has another epoch."""
        del self.chunks[partition][chunks:]
        self._epoch += 1

    def partitions(self) -> list[str]:
        return sorted(self.chunks)

    def reader(self, partition: str, *, quarantine: bool = False) -> "TimedReader":
        return TimedReader(self.chunks[partition])

    def size(self) -> int:
        return 0

    def is_low_on_space(self) -> bool:
        return False

    def release(self, positions: Mapping[str, int], before: float) -> None:
        """Delete the events before these positions, whatever their time."""
        for partition, position in positions.items():
            chunks = self.chunks[partition]
            chunks[:] = [chunk for chunk in chunks if chunk.end > position]


class TimedReader:
    """Implements journal.base.Reader."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks

    def read(self, position: Position, limit: int = 2**20) -> Slice | None:
        if not self.accepts(position):
            raise UnknownPosition(position, self.oldest(), self.newest())
        if position.number < self.oldest():
            released = self.oldest() - position.number
            return Slice(Position(self.oldest(), position.epoch), [], released=released)
        found: list[Chunk] = []
        for chunk in self._chunks:
            if chunk.end > position.number and sum(len(each.data) for each in found) < limit:
                found.append(chunk.since(position.number))
        return Slice(Position(found[-1].end, found[-1].epoch), found) if found else None

    def accepts(self, position: Position) -> bool:
        before = [chunk.epoch for chunk in self._chunks if chunk.first < position.number <= chunk.end]
        return position.number <= self.newest() and (
            position.epoch == ANY_EPOCH or not before or position.epoch in before
        )

    def oldest(self) -> int:
        return self._chunks[0].first if self._chunks else 0

    def newest(self) -> int:
        return self._chunks[-1].end if self._chunks else 0

    def seek(self, time: float) -> int:
        later = (chunk.first for chunk in self._chunks if chunk.received_at >= time * 1000)
        return next(later, self.newest())

    def close(self) -> None:
        """Nothing is open."""
