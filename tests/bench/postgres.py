"""How fast a sink writes to PostgreSQL, beside COPY by the driver alone of rows that are ready."""

from collections.abc import Iterator
from typing import NamedTuple

import anyio

from gateway.config.secret import Secret
from gateway.sinks.base import Batch
from gateway.sinks.postgres import Postgres
from gateway.sinks.postgresql import server
from gateway.sinks.rows.envelope import Rows
from tests.bench import journal, pinned, writing
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


def measure(options: Options) -> Iterator[Row]:
    database = PostgresServer(fsync="on")
    try:
        for number, case in enumerate(_CASES):
            dsn, table = Secret(f"{database.dsn()}?sslmode=disable"), f"events_{number}"
            sink = Postgres(dsn=dsn, table=table, unique=case.unique, columns=case.columns)
            with pinned.measured():  # the server has the other cores
                ceiling, ours = anyio.run(_compare, sink, options, backend_options={"use_uvloop": True})
            yield writing.row(case.name, ceiling, ours, case.goal)
    finally:
        database.remove()


async def _compare(sink: Postgres, options: Options) -> tuple[list[writing.Written], list[writing.Written]]:
    """Measure the driver and the sink in turns."""
    rows = Rows(sink.columns)
    ready = [rows.read(line, "0/0") for line in journal.Lines().take(_BATCH)]
    names = [column.name for column in rows.columns]
    async with sink.connect("bench", b"") as connection:
        driver = await server.connect(sink.dsn, "bench", 60)
        await driver.execute(f"CREATE TABLE {sink.table}_plain (LIKE {sink.table} INCLUDING DEFAULTS)")

        async def copy(batch: Batch) -> None:
            async with driver.transaction():
                await driver.copy_records_to_table(f"{sink.table}_plain", records=ready, columns=names)

        found = await writing.compare(options, _BATCH, copy, connection.write)
        await driver.close()
    return found
