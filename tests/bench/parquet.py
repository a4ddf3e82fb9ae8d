"""Parquet files in a folder, beside a plain write of the lines and beside pyarrow with ready columns."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import pyarrow as pa

from gateway.sinks.base import Batch
from gateway.sinks.parquet import Parquet
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import Rows
from gateway.sinks.storage.folder import Folder
from tests.bench import compare, events
from tests.bench.compare import Pair
from tests.bench.options import Options
from tests.bench.table import Row
from tests.bench.wrk import Sample

PROGRAMS = ()
_EVENTS = 100_000  # in a file, as by default
_ROWS_AT_A_TIME = 2000


def measure(options: Options) -> Iterator[Row]:
    line = events.canonical()
    lines = [line.replace(events.MARK.encode(), b"%016d" % number) for number in range(_EVENTS)]
    batch = Batch("lake", "0", 0, _EVENTS, range(_EVENTS), b"\n".join(lines) + b"\n")
    encoder = Encoder(Rows({}).columns)
    columns = _columns(lines, encoder)
    plain: list[Pair] = []
    arrow: list[Pair] = []
    for turn in range(options.rounds):
        folder = options.folder / f"{turn}"
        ours = _sample(partial(anyio.run, _deliver, folder, batch))
        plain.append(Pair(_sample(partial(_write, options.folder / f"{turn}.jsonl", batch.data)), ours))
        arrow.append(Pair(_sample(partial(anyio.run, _encode, folder, encoder, columns)), ours))
    yield from compare.rows("parquet, beside a plain write", plain, as_rate=True, goal="≥ 80,000/s")
    yield from compare.rows("parquet, beside pyarrow alone", arrow, as_rate=True)


def _columns(lines: list[bytes], encoder: Encoder) -> list[pa.RecordBatch]:
    rows = [Rows({}).read(line, "0/0") for line in lines]
    starts = range(0, _EVENTS, _ROWS_AT_A_TIME)
    return [encoder.convert(rows[start : start + _ROWS_AT_A_TIME], datetime.now(UTC)) for start in starts]


async def _deliver(folder: Path, batch: Batch) -> None:
    async with Parquet(path=folder).connect("lake", b"") as connection:
        await connection.write(batch)


async def _encode(folder: Path, encoder: Encoder, columns: list[pa.RecordBatch]) -> None:
    content = memoryview(encoder.encode(columns)).cast("B")
    await Folder(folder).create("alone.parquet", content)


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())


def _sample(work: Callable[[], None]) -> Sample:
    """Return what an event costs in microseconds, all threads together."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Sample(wall * 1e6, cpu * 1e6).shared(_EVENTS)
