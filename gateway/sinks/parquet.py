"""
Write Parquet files to a folder, or to a bucket of S3, Google Cloud Storage or Azure.

A batch is a file, or several if it belongs to several folders. Their names come from the batch's id, and a
file is created only if none has its name: a batch that is delivered again changes nothing.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import pyarrow as pa
from anyio import to_thread

from gateway.sinks.base import Batch, Connection
from gateway.sinks.rows import promoted
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.repaired import convert_all
from gateway.sinks.storage import names
from gateway.sinks.storage.base import Storage, create, probe
from gateway.sinks.storage.bucket import Bucket
from gateway.sinks.storage.folder import Folder
from gateway.sinks.storage.sink import StorageSink


class Parquet(StorageSink, tag="parquet"):
    partition: str = "date={date}"
    """The folders below it; {date}, {hour}, {source}, {type} and {event} stand for an event's values."""

    once_by_batch: ClassVar[bool] = True

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        for text in names.mistakes(self.partition, (*ENVELOPE, LOADED_AT)):
            yield "partition", text
        reserved = {column.name for column in (*ENVELOPE, LOADED_AT)} | names.keys(self.partition)
        for text in promoted.mistakes(self.columns, reserved):
            yield "columns", text

    @property
    def storage(self) -> Storage:
        if self.path:
            return Folder(self.path)
        return Bucket(
            self.url,
            endpoint=self.endpoint,
            region=self.region,
            access_key=self.access_key,
            secret_key=self.secret_key,
        )

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        storage = self.storage
        await probe(storage)
        yield ParquetConnection(storage, self.partition, Rows(self.columns))


class ParquetConnection:
    """Encodes in a thread, and creates one file after another."""

    receipt = b""

    def __init__(self, storage: Storage, partition: str, rows: Rows) -> None:
        self._storage = storage
        self._rows = rows
        self._folders = names.Folders(partition, rows.columns)
        self._encoder = Encoder(rows.columns, names.repeated(partition))

    async def write(self, batch: Batch, /) -> bytes:
        name = names.file_name(batch)
        for folder, content in (await to_thread.run_sync(self._encode, batch)).items():
            # Arrow's buffers hold signed bytes, which obstore would take for a list of numbers.
            await create(self._storage, folder + name, memoryview(content).cast("B"))
        return b""

    def _encode(self, batch: Batch) -> dict[str, pa.Buffer]:
        """Return the files of a batch by folder. Raises SinkRefused if lines are not events."""
        loaded_at = datetime.now(UTC)

        def convert(rows: list[tuple[Any, ...]]) -> dict[str, pa.RecordBatch]:
            return {
                folder: self._encoder.convert(own, loaded_at) for folder, own in self._group(rows).items()
            }

        found: dict[str, list[pa.RecordBatch]] = {}
        try:
            for part in convert_all(self._rows, batch, convert):
                for folder, own in part.items():
                    found.setdefault(folder, []).append(own)
        finally:
            self._folders.forget()
        return {folder: self._encoder.encode(batches) for folder, batches in found.items()}

    def _group(self, rows: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows by folder; usually there is only one."""
        folders = list(map(self._folders.find, rows))
        if folders.count(folders[0]) == len(rows):
            return {folders[0]: rows}
        groups: dict[str, list[tuple[Any, ...]]] = {folder: [] for folder in folders}
        for folder, row in zip(folders, rows, strict=True):
            groups[folder].append(row)
        return groups
