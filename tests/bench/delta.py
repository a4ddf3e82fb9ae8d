"""A table of Delta Lake in a folder, beside its library with ready columns."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import pyarrow as pa
from deltalake import write_deltalake

from gateway.sinks.base import Batch
from gateway.sinks.delta import Delta
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import Rows
from tests.bench import compare, events
from tests.bench.compare import Pair
from tests.bench.options import Options
from tests.bench.table import Row
from tests.bench.wrk import Sample

PROGRAMS = ()
_EVENTS = 100_000  # in a commit, as by default
_ROWS_AT_A_TIME = 2000


def measure(options: Options) -> Iterator[Row]:
    line = events.canonical()
    lines = [line.replace(events.MARK.encode(), b"%016d" % number) for number in range(_EVENTS)]
    batch = Batch("table", "0", 0, _EVENTS, range(_EVENTS), b"\n".join(lines) + b"\n")
    ready = list(_columns(lines))
    pairs: list[Pair] = []
    for turn in range(options.rounds):
        its = _sample(partial(_write, options.folder / f"alone-{turn}", ready))
        pairs.append(Pair(its, _sample(partial(anyio.run, _deliver, options.folder / f"{turn}", batch))))
    yield from compare.rows("delta, beside deltalake alone", pairs, as_rate=True, goal="≥ 60,000/s")


def _write(folder: Path, ready: list[pa.RecordBatch]) -> None:
    write_deltalake(folder, pa.RecordBatchReader.from_batches(ready[0].schema, ready))


def _columns(lines: list[bytes]) -> Iterator[pa.RecordBatch]:
    rows = [Rows({}).read(line, "0/0") for line in lines]
    encoder = Encoder(Rows({}).columns)
    for start in range(0, _EVENTS, _ROWS_AT_A_TIME):
        yield encoder.convert(rows[start : start + _ROWS_AT_A_TIME], datetime.now(UTC))


async def _deliver(folder: Path, batch: Batch) -> None:
    async with Delta(path=folder).connect("table", b"") as connection:
        await connection.write(batch)


def _sample(work: Callable[[], None]) -> Sample:
    """Return what an event costs in microseconds, all threads together."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Sample(wall * 1e6, cpu * 1e6).shared(_EVENTS)
