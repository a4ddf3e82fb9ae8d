"""
How fast the sinks clickhouse and duckdb write, beside their targets with data that are ready.

ClickHouse's engine runs in another process, whose CPU comes on top; DuckDB's
runs in this one. DuckDB's own ceiling has a plain table, without JSON.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple

import anyio
import duckdb
import pyarrow as pa

from gateway.config.secret import Secret
from gateway.sinks.base import Batch, Connection
from gateway.sinks.duckdb import DuckDb
from gateway.sinks.merge_tree.server import open_server
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import Rows
from tests.bench import journal
from tests.bench.options import Options
from tests.bench.table import Row
from tests.sinks.clickhouse_server import DATABASE, PASSWORD, USER, clickhouse_server

PROGRAMS = ()
_BATCH = 16_000  # events: as many as have the size of a full batch


class Written(NamedTuple):
    rate: float
    """Events a second."""
    cpu: float
    """Microseconds of this process for each event."""


def measure(options: Options) -> Iterator[Row]:
    for work, name, goal in ((_clickhouse, "clickhouse", 80_000), (_duckdb, "duckdb", 40_000)):
        ceiling, ours = anyio.run(work, options, backend_options={"use_uvloop": True})
        yield _row(name, ceiling, ours, f"≥ {goal:,}/s")


async def _clickhouse(options: Options) -> tuple[list[Written], list[Written]]:
    server = clickhouse_server()
    sink = server.sink("bench")
    ready: list[bytes] = []
    async with (
        sink.connect("bench", b"") as connection,
        open_server(sink.url, USER, Secret(PASSWORD), 60) as driver,
    ):
        server.run(f"CREATE TABLE {DATABASE}.plain AS {DATABASE}.bench")
        insert = connection._insert.replace("bench", "plain")  # type: ignore[attr-defined]

        async def insert_ready(batch: Batch) -> None:
            await driver.insert(insert, {"date_time_input_format": "best_effort"}, ready[0])

        ready.append(connection._encode(next(_batches())))  # type: ignore[attr-defined]
        return await _compare(options, insert_ready, connection)


async def _duckdb(options: Options) -> tuple[list[Written], list[Written]]:
    sink = DuckDb(path=options.folder / "events.duckdb")
    encoder = Encoder(Rows({}).columns)
    rows = [Rows({}).read(line, "0/0") for line in next(_batches()).lines]
    parts = [encoder.convert(rows[n : n + 2000], datetime.now(UTC)) for n in range(0, _BATCH, 2000)]
    ready = pa.Table.from_batches(parts, encoder.schema)
    async with sink.connect("bench", b"") as connection:
        with duckdb.connect(options.folder / "plain.duckdb", config={"threads": 2}) as driver:
            driver.register("ready", ready)
            driver.execute("CREATE TABLE plain AS FROM ready LIMIT 0")

            async def insert_ready(batch: Batch) -> None:
                driver.execute("INSERT INTO plain FROM ready")

            return await _compare(options, insert_ready, connection)


async def _compare(
    options: Options, plain: Callable[[Batch], Awaitable[Any]], connection: Connection
) -> tuple[list[Written], list[Written]]:
    ceiling, ours, batches = [], [], _batches()
    for _ in range(options.rounds):
        ceiling.append(await _repeat(plain, batches, options.seconds))
        ours.append(await _repeat(connection.write, batches, options.seconds))
    return ceiling, ours


def _batches() -> Iterator[Batch]:
    lines = journal.Lines()
    for first in count(0, _BATCH):
        data = b"\n".join((*lines.take(_BATCH), b""))
        yield Batch("bench", "0", first, first + _BATCH, range(first, first + _BATCH), data)


async def _repeat(
    write: Callable[[Batch], Awaitable[Any]], batches: Iterator[Batch], seconds: float
) -> Written:
    """Write batch after batch, and measure nothing but that."""
    number, wall, cpu = 0, 0.0, 0.0
    while wall < seconds:
        batch = next(batches)
        start, cpu_start = time.perf_counter(), time.process_time()
        await write(batch)
        wall, cpu = wall + time.perf_counter() - start, cpu + time.process_time() - cpu_start
        number += _BATCH
    return Written(number / wall, cpu / number * 1e6)


def _row(name: str, ceiling: list[Written], ours: list[Written], goal: str) -> Row:
    most, rate = (statistics.median(each.rate for each in found) for found in (ceiling, ours))
    least, cpu = (min(each.cpu for each in found) for found in (ceiling, ours))
    return Row(
        name, f"{most:,.0f}/s, {least:.1f} µs", f"{rate:,.0f}/s", f"{cpu:.1f} µs", f"{rate / most:.2f}", goal
    )
