"""
What the index of duplicates costs an id, with 2 % duplicates, and how much memory and disk it needs.

Half of the duplicates repeat an event of the last minute, as a retry does, and half any earlier one. Events
come from memory and have times as at 100 million a day. Their making is not counted.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.delivery.duplicates.indexer import Indexer
from gateway.delivery.duplicates.keys import read_keys
from gateway.journal.base import Position, Slice
from gateway.journal.chunk import Chunk
from gateway.state.database import Database, prepare
from gateway.state.verdicts import Verdicts
from tests.bench import cpu, events
from tests.bench.options import Options
from tests.bench.table import Row

PROGRAMS = ()
_CHUNK = 1000  # events
_SLICE = 2  # chunks
_REPEATED = 50  # every so many events, one has the id of an earlier one
_DAY = 100_000_000  # events
_MINUTE = 69_444  # events
_PARTS = 5
_TIMES = 20


class _Generated:
    """Implements journal.base.Log and Reader: one partition whose events are made when they are read."""

    def __init__(self) -> None:
        self.cost = 0.0
        """CPU time that the making took, in seconds."""
        self._line = events.canonical() + b"\n"

    def partitions(self) -> list[str]:
        return ["0"]

    def reader(self, partition: str, *, quarantine: bool = False) -> "_Generated":
        return self

    def read(self, position: Position, limit: int = 0) -> Slice:
        started = time.thread_time()
        firsts = [position.number + place * _CHUNK for place in range(_SLICE)]
        chunks = [self._chunk(first) for first in firsts]
        self.cost += time.thread_time() - started
        return Slice(Position(firsts[-1] + _CHUNK), chunks)

    def _chunk(self, first: int) -> Chunk:
        mark = events.MARK.encode()
        numbers = [*range(first, first + _CHUNK)]
        for place in range(0, _CHUNK, 2 * _REPEATED):
            numbers[place] = numbers[place] * 7 // 8
            numbers[place + _REPEATED] = max(numbers[place + _REPEATED] - _MINUTE, 0)
        data = b"".join(self._line.replace(mark, b"%016d" % number) for number in numbers)
        return Chunk(first, _CHUNK, 1, first * 86_400_000 // _DAY, 0, data)

    def accepts(self, position: Position) -> bool:
        return True

    def oldest(self) -> int:
        return 0

    def newest(self) -> int:
        return 2**40

    def seek(self, time: float) -> int:
        return 0

    def close(self) -> None:
        pass

    def size(self) -> int:
        return 0

    def is_low_on_space(self) -> bool:
        return False

    def release(self, positions: Mapping[str, int], before: float) -> None:
        pass


def measure(options: Options) -> Iterator[Row]:
    prepare(options.folder / "state.db", bytes(16))
    database = Database.open(options.folder / "state.db", bytes(16))
    verdicts, journal, folder = Verdicts(database), _Generated(), options.folder / "duplicates"
    before = cpu.resident(os.getpid())
    indexer = Indexer(journal, verdicts, folder, 86400.0)
    for part in range(1, _PARTS + 1):
        spent, made = time.process_time(), journal.cost
        begin, upto = verdicts.ends().get("0", 0), options.ids * part // _PARTS
        while verdicts.ends().get("0", 0) < upto:
            indexer.step()
        spent = time.process_time() - spent - (journal.cost - made)
        count = verdicts.ends()["0"] - begin
        least = _decoding(journal)
        yield Row(
            f"duplicates, an id, up to {upto:,}",
            f"{least * 1e6:.2f} µs: decode and hash",
            f"{cpu.resident(os.getpid()) - before:.0f} MB",
            f"{spent / count * 1e6:.2f} µs",
            f"{spent / count / least:.1f}",
            "< 5 µs",
        )
    indexer.close()
    yield Row("  on disk", wall=f"{_size(folder) / options.ids:.1f} bytes an id")
    indexer = Indexer(journal, verdicts, folder, 86400.0)
    spent = time.process_time()
    indexer.step()
    yield Row("  opened again", cpu=f"{time.process_time() - spent:.2f} s")
    indexer.close()
    database.close()


def _decoding(journal: _Generated) -> float:
    """Return the CPU time in seconds that the keys of an event take alone."""
    chunks = journal.read(Position(0)).chunks
    started = time.thread_time()
    for _ in range(_TIMES):
        read_keys("0", chunks)
    return (time.thread_time() - started) / _TIMES / (_SLICE * _CHUNK)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
