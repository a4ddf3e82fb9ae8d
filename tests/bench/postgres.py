"""How fast a sink writes to PostgreSQL, beside COPY by the driver alone of rows that are ready."""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import anyio

from gateway.config.secret import Secret
from gateway.sinks.base import Batch
from gateway.sinks.postgres import Postgres
from gateway.sinks.postgresql import server
from gateway.sinks.rows.envelope import Rows
from tests.bench import journal, pinned
from tests.bench.options import Options
from tests.bench.table import Row
from tests.sinks.postgres_server import PostgresServer

PROGRAMS = ()
_BATCH = 4000  # events: as many as have the size of a full batch
_PROMOTED = {"revenue": "properties.revenue: number", "currency": "properties.currency: text"}


class Case(NamedTuple):
    name: str
    unique: bool
    columns: dict[str, str]
    goal: str = ""


_CASES = (
    Case("postgres", unique=False, columns={}, goal="≥ 50,000/s"),
    Case("postgres, 2 promoted columns", unique=False, columns=_PROMOTED),
    Case("postgres, unique", unique=True, columns={}),
)


class Written(NamedTuple):
    rate: float
    """Events a second."""
    cpu: float
    """Microseconds of this process for each event; the server's come on top."""


def measure(options: Options) -> Iterator[Row]:
    database = PostgresServer(fsync="on")
    try:
        for number, case in enumerate(_CASES):
            dsn, table = Secret(f"{database.dsn()}?sslmode=disable"), f"events_{number}"
            sink = Postgres(dsn=dsn, table=table, unique=case.unique, columns=case.columns)
            with pinned.measured():  # the server has the other cores
                ceiling, ours = anyio.run(_compare, sink, options, backend_options={"use_uvloop": True})
            yield _row(case, ceiling, ours)
    finally:
        database.remove()


async def _compare(sink: Postgres, options: Options) -> tuple[list[Written], list[Written]]:
    """Measure the driver and the sink in turns."""
    rows = Rows(sink.columns)
    ready = [rows.read(line, "0/0") for line in journal.Lines().take(_BATCH)]
    names = [column.name for column in rows.columns]
    ceiling, ours, batches = [], [], _batches()
    async with sink.connect("bench", b"") as connection:
        driver = await server.connect(sink.dsn, "bench", 60)
        await driver.execute(f"CREATE TABLE {sink.table}_plain (LIKE {sink.table} INCLUDING DEFAULTS)")

        async def copy(batch: Batch) -> None:
            async with driver.transaction():
                await driver.copy_records_to_table(f"{sink.table}_plain", records=ready, columns=names)

        for _ in range(options.rounds):
            ceiling.append(await _repeat(copy, batches, options.seconds))
            ours.append(await _repeat(connection.write, batches, options.seconds))
        await driver.close()
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


def _row(case: Case, ceiling: Sequence[Written], ours: Sequence[Written]) -> Row:
    most, rate = (statistics.median(each.rate for each in found) for found in (ceiling, ours))
    least, cpu = (min(each.cpu for each in found) for found in (ceiling, ours))
    return Row(
        case.name,
        f"{most:,.0f}/s, {least:.1f} µs",
        f"{rate:,.0f}/s",
        f"{cpu:.1f} µs",
        f"{rate / most:.2f}",
        case.goal,
    )
