"""
Write Parquet files to a folder, or to a bucket of S3, Google Cloud Storage or Azure.

A batch is a file, or several if it belongs to several folders. Their names are those of the batch's id, and a
file is created only if there is none of its name: a batch that is delivered again changes nothing.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pyarrow as pa
from anyio import to_thread

from gateway.config.secret import Secret
from gateway.config.units import Duration, Positive, Size
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.rows import promoted
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.mended import convert_all
from gateway.sinks.storage import address, names
from gateway.sinks.storage.base import Storage, create, probe
from gateway.sinks.storage.bucket import Bucket
from gateway.sinks.storage.folder import Folder


class Parquet(Sink, tag="parquet"):
    path: Path | None = None
    """The folder; either this or `url`."""
    url: str = ""
    """The bucket: s3://BUCKET/…, gs://BUCKET/… or az://ACCOUNT/CONTAINER/…."""
    partition: str = "date={date}"
    """The folders below it; {date}, {hour}, {source}, {type} and {event} stand for those of an event."""
    batch_events: Positive = msgspec.field(default=100_000, name="roll_events")
    """The most events in a file: here a batch is a file, so that both limits are one."""
    batch_bytes: Size = Size(64 * 1024**2)
    """The size of its events at which a file is complete, as JSON."""
    batch_time: Duration = msgspec.field(default=Duration(300), name="roll_time")
    """The longest time for which a file waits for more events."""
    columns: Mapping[str, str] = {}
    """Promoted columns: revenue = "properties.revenue: number"."""
    endpoint: str = ""
    """The address of a store that is not the cloud's own; only here may it be a plain http:// one."""
    region: str = ""
    """Of S3; by default that of the environment, else us-east-1."""
    access_key: Secret | None = None
    """Of S3; without it, the environment's credentials are used."""
    secret_key: Secret | None = None
    """S3's secret key, Azure's account key, or a service account's key of Google Cloud Storage, as JSON."""

    once_by_batch: ClassVar[bool] = True

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        yield from address.mistakes(self)
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
    """Encodes in a thread, and creates one file after the other."""

    receipt = b""

    def __init__(self, storage: Storage, partition: str, rows: Rows) -> None:
        self._storage = storage
        self._rows = rows
        self._folders = names.Folders(partition, rows.columns)
        self._encoder = Encoder(rows.columns, names.repeated(partition))

    async def write(self, batch: Batch, /) -> bytes:
        name = names.file_name(batch)
        for folder, content in (await to_thread.run_sync(self._encode, batch)).items():
            # Arrow's buffers are of signed bytes, which obstore would take for a list of numbers.
            await create(self._storage, folder + name, memoryview(content).cast("B"))
        return b""

    def _encode(self, batch: Batch) -> dict[str, pa.Buffer]:
        """Return the files of a batch by their folders. Raises SinkRefused if lines are not events."""
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
        """Return the rows by their folders, mostly one."""
        folders = list(map(self._folders.find, rows))
        if folders.count(folders[0]) == len(rows):
            return {folders[0]: rows}
        groups: dict[str, list[tuple[Any, ...]]] = {folder: [] for folder in folders}
        for folder, row in zip(folders, rows, strict=True):
            groups[folder].append(row)
        return groups
