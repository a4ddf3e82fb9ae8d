"""
Append events to a Delta Lake table, in a folder or a bucket, each exactly once.

A commit can hold the version of an application, which readers ignore. Here it is the position up to
which a partition is written: it is compared before a batch is written, and if a second process commits the
same partition meanwhile, the commit fails.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import pyarrow as pa
from anyio import fail_after, to_thread
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Connection
from gateway.sinks.lake import tables
from gateway.sinks.lake.failures import translated
from gateway.sinks.lake.location import locate
from gateway.sinks.rows import promoted
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.repaired import convert_all
from gateway.sinks.storage.sink import StorageSink

_Result = TypeVar("_Result")

_DEADLINE_SECONDS = 60.0


class Delta(StorageSink, tag="delta"):
    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        for text in promoted.mistakes(self.columns, {column.name for column in (*ENVELOPE, LOADED_AT)}):
            yield "columns", text

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        rows = Rows(self.columns)
        encoder = Encoder(rows.columns)
        table = await _in_thread(self, lambda: tables.opened(locate(self), self.path, encoder.schema))
        yield DeltaConnection(self, table, rows, encoder)


class DeltaConnection:
    """Commits one batch after another, in a thread."""

    receipt = b""

    def __init__(self, sink: Delta, table: DeltaTable, rows: Rows, encoder: Encoder) -> None:
        self._sink = sink
        self._table = table
        self._rows = rows
        self._encoder = encoder

    async def write(self, batch: Batch, /) -> bytes:
        await _in_thread(self._sink, lambda: self._append(batch))
        return b""

    def _append(self, batch: Batch) -> None:
        self._table.update_incremental()
        application = _application(batch)
        position = self._table.transaction_version(application) or 0
        first = bisect_left(batch.positions, position)
        if first == batch.count:
            return  # an earlier connection wrote it, and was cut off before the answer
        write_deltalake(
            self._table,
            pa.RecordBatchReader.from_batches(self._encoder.schema, self._converted(batch, first)),
            mode="append",
            schema_mode="merge",  # the table may have columns that events do not fill
            writer_properties=WriterProperties(compression="ZSTD"),
            commit_properties=CommitProperties(app_transactions=[Transaction(application, batch.end)]),
        )
        if self._sink.path:
            tables.sync(self._sink.path, self._table.version())

    def _converted(self, batch: Batch, first: int) -> list[pa.RecordBatch]:
        """Return the rows of a batch from an index on. Raises SinkRefused if lines are not events."""
        loaded_at = datetime.now(UTC)
        return convert_all(self._rows, batch, lambda rows: self._encoder.convert(rows, loaded_at), first)


def _application(batch: Batch) -> str:
    """
    Return the name under which a table keeps the position of a batch's partition.

    Each job that sends events again has its own position, since it may pass the same events once more.
    """
    job = "" if batch.origin == "live" else batch.suffix
    return f"{batch.sink}/{batch.partition}/{batch.epoch:016x}{job}"


async def _in_thread(sink: Delta, work: Callable[[], _Result]) -> _Result:
    """
    Do work in a thread. Raises SinkUnavailable after a minute, and what `translated` raises.

    A thread that hangs is abandoned. Whatever it may yet commit has its position, like every commit.
    """

    def do() -> _Result:
        with translated(sink.target, (sink.access_key, sink.secret_key)):
            return work()

    try:
        with fail_after(_DEADLINE_SECONDS):
            return await to_thread.run_sync(do, abandon_on_cancel=True)
    except TimeoutError as error:
        raise SinkUnavailable(f"{sink.target}: no answer within {_DEADLINE_SECONDS:g} s") from error
