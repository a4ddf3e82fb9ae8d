"""Reading a partition of JetStream, by direct gets: any replica answers, and there is no consumer to keep."""

from gateway.journal.base import ANY_EPOCH, Position, Slice
from gateway.journal.chunk import Chunk
from gateway.journal.jetstream.view import View

_DEFAULT_SLICE_BYTES = 1024 * 1024


class Reader:
    """Implements journal.base.Reader. Not thread-safe."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._next: tuple[Position, int] | None = None
        """The position after the last chunk that was read, and the sequence of the message after it."""

    def read(self, position: Position, limit: int = _DEFAULT_SLICE_BYTES) -> Slice | None:
        sequence = self._sequence(position)
        messages = self._view.read(sequence, limit)
        if not messages and position.number > self._view.newest():
            self._next = None
            self._view.locate(position)  # which raises UnknownPosition
        chunks: list[Chunk] = []
        number, end = position.number, position
        for each in messages:
            if each.chunk:
                if each.chunk.first > number:
                    break
                if each.chunk.epoch != end.epoch:
                    self._check(end)
                if each.chunk.end > number:
                    chunks.append(each.chunk.since(number))
                    end = Position(each.chunk.end, each.chunk.epoch)
                number = end.number
            sequence = each.sequence + 1  # no gateway has written a message without a chunk
        if not chunks and any(each.chunk for each in messages):
            return self._gap(position, next(each.chunk for each in messages if each.chunk))
        self._next = (end, sequence)
        return Slice(end, chunks) if chunks else None

    def _sequence(self, position: Position) -> int:
        """Return the sequence from which to read a position on. Raises UnknownPosition."""
        if self._next:
            following, sequence = self._next
            if following.number == position.number and position.epoch in (ANY_EPOCH, following.epoch):
                return sequence
        return self._view.locate(position)

    def _check(self, position: Position) -> None:
        """Raise UnknownPosition if the history before a position is not the one in which it was recorded."""
        if position.epoch != ANY_EPOCH:
            self._view.locate(position)

    def _gap(self, position: Position, following: Chunk) -> Slice:
        """Return a slice without chunks that leads to the next existing event."""
        released = max(0, min(following.first, self._view.oldest()) - position.number)
        damaged = following.first - position.number - released
        epoch = following.epoch if damaged else position.epoch
        self._next = None
        return Slice(Position(following.first, epoch), [], damaged=damaged, released=released)

    def accepts(self, position: Position) -> bool:
        return self._view.accepts(position)

    def oldest(self) -> int:
        return self._view.oldest()

    def newest(self) -> int:
        return self._view.newest()

    def seek(self, time: float) -> int:
        return self._view.seek(time)

    def close(self) -> None:
        self._next = None
