"""
Copy a journal to another engine, with the position, the counts and the dead letters of each sink.

Events are appended in an order that depends only on the source. So an interrupted copy is resumed by
counting the events that the target has in each partition.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice

import msgspec
from anyio import to_thread

from gateway.cli.journal.stretches import Stretch, arrange
from gateway.errors import ConfigError
from gateway.journal import persons
from gateway.journal.base import Appender, Log, Position, Reader
from gateway.journal.chunk import Chunk
from gateway.state.letters import Burial, Choice, Letter
from gateway.state.store import State
from gateway.state.tally import Tally

_STEP_BYTES = 512 * 1024
_LETTERS = 100  # recorded at a time


class _Source(msgspec.Struct, gc=False):
    name: str


class _Excerpt(msgspec.Struct, rename="camel", gc=False):
    message_id: str
    source: _Source
    user_id: str | None = None
    anonymous_id: str | None = None


_read = msgspec.json.Decoder(_Excerpt).decode


class Copy:
    """One copy. Methods raise ConfigError if it cannot be made, as well as StateUnavailable and OSError."""

    def __init__(self, source: Log, target: Log, before: State, after: State) -> None:
        """`before` is the state of the source, `after` is that of the target."""
        self._target = target
        self._before = before
        self._after = after
        self._readers: dict[str, Reader] = {each: source.reader(each) for each in source.partitions()}
        bounds = {name: (reader.oldest(), reader.newest()) for name, reader in self._readers.items()}
        self._stretches = arrange(bounds, self._positions())
        self._partitions = 0
        """Number of partitions of the target."""
        self._there: list[int] = []
        """The number of events that each partition of the target had when the copy began."""
        self._reached: Counter[int] = Counter()
        """By partition of the target, how many events it has at least."""
        self._ends: dict[str, Counter[int]] = {sink: Counter() for sink in self._positions()}
        """By sink, its position in each partition of the target."""
        self.unreadable = 0
        """Damaged events that were left out."""

    @property
    def total(self) -> int:
        """The number of events to copy."""
        return sum(each.end - each.first for each in self._stretches)

    async def run(self, appender: Appender) -> AsyncIterator[int]:
        """Copy all events, and repeatedly yield how many are done. Raises JournalUnavailable."""
        self._partitions = appender.partitions
        names = map(str, range(self._partitions))
        self._there = [await to_thread.run_sync(self._target.reader(name).newest) for name in names]
        done = 0
        for stretch in self._stretches:
            place = stretch.first
            while place < stretch.end:
                end = await self._copy(stretch, place, appender)
                done, place = done + end - place, end
                yield done
            for sink in stretch.sinks:
                self._ends[sink] = self._reached.copy()
        if any(self._reached[partition] < there for partition, there in enumerate(self._there)):
            raise ConfigError("the target has more events than the source: it is not a copy of it")

    def record(self) -> None:
        """Record the position, the counts and the dead letters of each sink. May be repeated."""
        for sink, ends in self._ends.items():
            self._record_progress(sink, ends)
            for partition, letters in self._letters(sink):
                place = Position(ends[partition])
                self._after.record(sink, str(partition), place, Tally(), burials=letters, after=place)
            if receipt := self._before.receipt(sink):
                self._after.save_receipt(sink, receipt)
        for sink in self._before.paused() - self._after.paused():
            self._after.orders.place(sink, "pause")

    def _positions(self) -> dict[str, dict[str, int]]:
        """Return where each sink is in the source, by partition."""
        found: dict[str, dict[str, int]] = {}
        for (sink, partition), position in self._before.positions().items():
            reader = self._readers.get(partition)
            places = found.setdefault(sink, {})
            if reader and reader.accepts(position):
                places[partition] = position.number
        return found

    async def _copy(self, stretch: Stretch, place: int, appender: Appender) -> int:
        """Copy the next events of a stretch, and return where to continue."""
        reader = self._readers[stretch.partition]
        found = await to_thread.run_sync(reader.read, Position(place), _STEP_BYTES)
        if found is None:
            raise ConfigError(f"partition {stretch.partition} of the source has changed meanwhile")
        end = min(found.end.number, stretch.end)
        lines = [line for chunk in found.chunks for line in _lines(chunk, place, end)]
        self.unreadable += end - place - len(lines)
        carries = 0
        for chunk in found.chunks:
            carries |= chunk.carries
        new: list[bytes] = []
        partitions: list[int] = []
        for line in lines:
            partition = self._partition(line)
            if await self._is_new(partition, line):
                new.append(line)
                partitions.append(partition)
        if new:
            await appender.append([b"\n".join(new)], carries, len(new), partitions)
        return end

    async def _is_new(self, partition: int, line: bytes) -> bool:
        """Count an event of the target; return True unless it is already there. Raises ConfigError."""
        number, there = self._reached[partition], self._there[partition]
        self._reached[partition] += 1
        if number == there - 1:
            last = await to_thread.run_sync(self._target.reader(str(partition)).read, Position(number))
            if last and last.chunks and last.chunks[0].lines()[0] != line:
                raise ConfigError("the target has other events: it is not a copy of the source")
        return number >= there

    def _partition(self, line: bytes) -> int:
        if self._partitions == 1:
            return 0
        event = _read(line)
        person = event.user_id or event.anonymous_id or event.message_id
        return persons.partition(event.source.name, person, self._partitions)

    def _record_progress(self, sink: str, ends: Counter[int]) -> None:
        progress = self._before.progress(sink).values()
        tally = Tally()
        for each in progress:
            tally.update(each.tally)
        # Numbers start over, and trimmed events have none, as after an older copy was restored.
        tally["rewound", ""] += sum(each.position.number for each in progress) - sum(ends.values())
        for partition in range(self._partitions):
            place, found = Position(ends[partition]), self._after.position(sink, str(partition))
            if found is None:
                self._after.record(sink, str(partition), place, tally if partition == 0 else {}, after=None)
            elif found.number != place.number:
                raise ConfigError(
                    f"sink {sink} has a position in the target already: a gateway has delivered from it"
                )

    def _letters(self, sink: str) -> Iterator[tuple[int, list[Burial]]]:
        """Yield the dead letters of a sink by partition of the target, in portions."""
        letters = self._before.dead.select(Choice(sink=sink))
        while some := list(islice(letters, _LETTERS)):
            groups: dict[int, list[Burial]] = {}
            for letter in some:
                groups.setdefault(self._partition(letter.canonical), []).append(_burial(letter))
            yield from groups.items()


def _lines(chunk: Chunk, first: int, end: int) -> Iterable[bytes]:
    """Return the lines of the events of a chunk from `first` on, before `end`."""
    return chunk.lines()[max(0, first - chunk.first) : max(0, end - chunk.first)]


def _burial(letter: Letter) -> Burial:
    names = [field.name for field in msgspec.structs.fields(Burial)]
    return Burial(**{name: getattr(letter, name) for name in names})
