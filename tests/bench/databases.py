"""
How fast the sinks clickhouse and duckdb write, beside their targets with data that are ready.

ClickHouse's engine runs in another process, whose CPU comes on top; DuckDB's
runs in this one. DuckDB's own ceiling has a plain table, without JSON.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import anyio
import duckdb
import pyarrow as pa

from gateway.config.secret import Secret
from gateway.sinks.base import Batch
from gateway.sinks.duckdb import DuckDb
from gateway.sinks.merge_tree.server import open_server
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import Rows
from tests.bench import writing
from tests.bench.options import Options
from tests.bench.table import Row
from tests.sinks.clickhouse_server import DATABASE, PASSWORD, USER, clickhouse_server

PROGRAMS = ()
_BATCH = 16_000  # events: as many as have the size of a full batch


def measure(options: Options) -> Iterator[Row]:
    for work, name, goal in ((_clickhouse, "clickhouse", 80_000), (_duckdb, "duckdb", 40_000)):
        ceiling, ours = anyio.run(work, options, backend_options={"use_uvloop": True})
        yield writing.row(name, ceiling, ours, f"≥ {goal:,}/s")


async def _clickhouse(options: Options) -> tuple[list[writing.Written], list[writing.Written]]:
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

        ready.append(connection._encode(next(writing.batches(_BATCH))))  # type: ignore[attr-defined]
        return await writing.compare(options, _BATCH, insert_ready, connection.write)


async def _duckdb(options: Options) -> tuple[list[writing.Written], list[writing.Written]]:
    sink = DuckDb(path=options.folder / "events.duckdb")
    encoder = Encoder(Rows({}).columns)
    rows = [Rows({}).read(line, "0/0") for line in next(writing.batches(_BATCH)).lines]
    parts = [encoder.convert(rows[n : n + 2000], datetime.now(UTC)) for n in range(0, _BATCH, 2000)]
    ready = pa.Table.from_batches(parts, encoder.schema)
    async with sink.connect("bench", b"") as connection:
        with duckdb.connect(options.folder / "plain.duckdb", config={"threads": 2}) as driver:
            driver.register("ready", ready)
            driver.execute("CREATE TABLE plain AS FROM ready LIMIT 0")

            async def insert_ready(batch: Batch) -> None:
                driver.execute("INSERT INTO plain FROM ready")

            return await writing.compare(options, _BATCH, insert_ready, connection.write)
