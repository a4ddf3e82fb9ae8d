"""The duckdb sink for the contract suite, with a file of its own for each test."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import duckdb

from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.duckdb import DuckDb
from tests.journey.faults import Ballast, small_disk
from tests.sinks.batches import deliver
from tests.sinks.contract import Example

_DISK = "64M"
_READER = """
import sys
import time
import duckdb
while True:
    try:
        with duckdb.connect(sys.argv[1], read_only=True):
            print("open", flush=True)
            sys.stdin.read()
            break
    except duckdb.IOException:  # a sink has it open
        time.sleep(0.01)
"""


def sink_in(folder: Path, **keys: Any) -> DuckDb:
    return DuckDb(path=folder / "events.duckdb", batch_time=Duration(0), **keys)


def run(sink: DuckDb, statement: str) -> list[Any]:
    """Run a statement in the file of a sink, and return its rows."""
    with duckdb.connect(sink.path) as database:
        return database.execute(statement).fetchall()


def positions(sink: DuckDb) -> list[str]:
    """Return the position of every row, in the order in which they were written."""
    return [position for (position,) in run(sink, f"SELECT position FROM {sink.table} ORDER BY rowid")]


def ids(sink: DuckDb) -> list[str]:
    return [id for (id,) in run(sink, f"SELECT id FROM {sink.table} ORDER BY rowid")]


@contextmanager
def reader(sink: DuckDb) -> Iterator[None]:
    """Have another process read the file, as soon as it can, for the duration of the block."""
    command = [sys.executable, "-c", _READER, str(sink.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


class InFile(Example):
    replays_once = True
    refuses = True
    faults = ("gone", "full")

    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._open = ExitStack()
        self.sink: DuckDb = sink_in(self._disk)

    def __enter__(self) -> Self:
        self._open.enter_context(small_disk(self._disk, _DISK))
        deliver(self.sink)  # which creates the file
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def arrived(self) -> list[str]:
        """A table has no order but that of its columns."""
        order = "ORDER BY split_part(position, '/', 2)::BIGINT"
        return [id for (id,) in run(self.sink, f"SELECT id FROM {self.sink.table} {order}")]

    def spoil(self, line: bytes) -> bytes:
        """Remove what every event has."""
        return line.replace(b'"receivedAt"', b'"notReceivedAt"')

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        if fault == "gone":
            with reader(self.sink):
                yield self.sink
        else:
            ballast = Ballast(self._disk)
            ballast.fill()
            yield self.sink
            ballast.remove()
