"""Stateful test: a partition behaves like a list, whatever happens to its files, writers and readers."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.journal.base import Position
from gateway.journal.segments import files, scan
from gateway.journal.segments.files import START, End
from gateway.journal.segments.reader import Reader
from tests.build import Read, event_line, open_log, open_partition, read_all
from tests.journal.breaking import crashed, flip_bit, put_in_doubt, truncate, zero

SMALL = START + 1500
"""About six events."""

places = st.integers(0, 2**32)
"""Reduced modulo the number of choices that exist."""


class Partition(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="partition-"))
        self.lives = 0
        self.folder = self.root / "0/0"
        self.lines: list[bytes] = []
        """The model: all events that were ever durable, by number."""
        self.oldest = 0
        self.damaged: set[int] = set()
        self.position = Position(0)

    @initialize()
    def begin(self) -> None:
        self.partition = open_partition(self.folder, largest=SMALL)
        self.reader = Reader(self.folder)

    def teardown(self) -> None:
        self.partition.close()
        self.reader.close()
        shutil.rmtree(self.root)

    @rule(count=st.integers(1, 4))
    def append(self, count: int) -> None:
        lines = self._next_lines(count)
        self.partition.write(lines)
        self.partition.roll_if_due()
        self.lines += lines

    @rule()
    def restart(self) -> None:
        self.partition.close()
        self.partition = open_partition(self.folder, largest=SMALL)

    @rule(behind=st.sampled_from(["nothing", "half a chunk", "a whole chunk"]))
    def kill(self, behind: str) -> None:
        lines = self._next_lines(2)
        self.lives += 1
        found = crashed(self.folder, self.root / str(self.lives))
        newest = found / files.name(files.listing(found)[-1])
        end = _end_of(newest)
        if behind != "nothing" and not end.finished:
            put_in_doubt(newest, len(self.lines), lines)
            if behind == "half a chunk":
                truncate(newest, end.offset + 200)
            else:
                self.lines += lines
        self.partition.close()
        self.reader.close()
        self.folder, self.reader = found, Reader(found)
        self.partition = open_partition(self.folder, largest=SMALL)

    @rule(place=places)
    def release(self, place: int) -> None:
        position = place % (len(self.lines) + 1)
        open_log(self.folder.parent).release({"0": position}, 2**40)
        left = files.listing(self.folder)[0]
        assert self.oldest <= left <= max(position, self.oldest)
        self.oldest = left

    @rule(place=places, bit=places)
    def flip(self, place: int, bit: int) -> None:
        self._damage(place, lambda file, start, end: flip_bit(file, start * 8 + bit % ((end - start) * 8)))

    @rule(place=places)
    def zero(self, place: int) -> None:
        self._damage(place, zero)

    @rule(place=places)
    def read(self, place: int) -> None:
        number = place % (len(self.lines) + 1)

        found = read_all(self.folder, number)

        assert found == self._expected(number)

    @precondition(lambda self: self.position.number < len(self.lines))
    @rule(limit=st.sampled_from([1, 1000, 2**20]))
    def follow(self, limit: int) -> None:
        found = self.reader.read(self.position, limit)

        assert found
        start, end = self.position.number, found.end.number
        assert start < end <= len(self.lines)
        lines = [line for each in found.chunks for line in each.lines()]
        assert found.damaged + found.released + len(lines) == end - start
        if found.chunks:
            assert lines == self.lines[start:end]
        self.position = found.end

    @invariant()
    def everything_is_there(self) -> None:
        assert read_all(self.folder) == self._expected(0)
        assert self.reader.accepts(self.position)
        assert self.reader.oldest() <= self.oldest  # less while a deleted file is being read
        assert self.reader.newest() == len(self.lines)

    def _next_lines(self, count: int) -> list[bytes]:
        return [event_line(len(self.lines) + each) for each in range(count)]

    def _expected(self, number: int) -> Read:
        start = max(number, self.oldest)
        left = [line for each, line in enumerate(self.lines) if each >= start and each not in self.damaged]
        return Read(left, len(self.lines) - number - len(left), len(self.lines))

    def _damage(self, place: int, how: Callable[[Path, int, int], None]) -> None:
        """Apply a fault to one of the chunks."""
        found = [
            (self.folder / files.name(first), each)
            for first in files.listing(self.folder)
            for each in _chunks(self.folder / files.name(first))
        ]
        if found:
            file, chosen = found[place % len(found)]
            how(file, chosen.offset, chosen.end)
            self.damaged |= set(range(chosen.chunk.first, chosen.chunk.end))


def _chunks(file: Path) -> list[scan.LocatedChunk]:
    with file.open("rb") as opened:
        return list(scan.chunks(opened.fileno(), START, _end_of(file).offset, 0))


def _end_of(file: Path) -> End:
    with file.open("rb") as opened:
        end = files.read_end(opened.fileno())
    assert end
    return end


TestPartition = Partition.TestCase
TestPartition.settings = settings(
    max_examples=50, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
