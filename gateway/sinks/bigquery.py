"""
Load events into a table in BigQuery, one load job per batch.

A job has the id of its batch. BigQuery never runs two jobs with the same id, and a load job adds either all
of its rows or none: if the outcome of a batch is in doubt, it is looked up, and the batch is not loaded again
if it succeeded.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import anyio
from anyio import to_thread

from gateway.config.secret import Secret
from gateway.config.units import Duration, Positive, Size
from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.google import credentials, schema, views
from gateway.sinks.google.credentials import Login
from gateway.sinks.google.service import MAX_ANSWER_BYTES, Service, Status, raise_for
from gateway.sinks.http_client.client import open_client, parse_url
from gateway.sinks.rows import promoted
from gateway.sinks.rows.arrow import Encoder
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.repaired import convert_all

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_]{1,1024}", re.ASCII)
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 5.0


class BigQuery(Sink, tag="bigquery", kw_only=True):
    project: str
    dataset: str
    table: str = "events"
    credentials: Secret = Secret("")
    """The key of a service account, as JSON; empty: the credentials of the environment."""
    endpoint: str = "https://bigquery.googleapis.com"
    """The address of the API; only here may it be plain http://."""
    columns: Mapping[str, str] = {}
    """The promoted columns: "path: type" by name."""
    batch_events: Positive = 100_000
    batch_bytes: Size = Size(64 * 1024**2)
    batch_time: Duration = Duration(300)
    """BigQuery lets a table be changed 1,500 times a day by load jobs."""

    once_by_batch: ClassVar[bool] = True
    request_seconds: ClassVar[float] = 120
    """The longest time for one request."""
    write_seconds: ClassVar[float] = 900
    """The longest time for one batch; a job that takes longer is looked up again later."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if not _PROJECT.fullmatch(self.project):
            yield "project", "expected the id of a project"
        for key in ("dataset", "table"):
            if not _NAME.fullmatch(getattr(self, key)):
                yield key, "expected letters, digits and _"
        if self.credentials:
            try:
                credentials.ServiceAccount(self.credentials)
            except ValueError as error:
                yield "credentials", str(error)
        try:
            parse_url(self.endpoint)
        except ValueError as error:
            yield "endpoint", str(error)
        for text in promoted.mistakes(self.columns, [column.name for column in (*ENVELOPE, LOADED_AT)]):
            yield "columns", text

    @property
    def target(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        rows = Rows(self.columns)
        async with self._opened() as service:
            location = await schema.prepare(service, self.project, self.dataset, self.table, rows.columns)
            yield BigQueryConnection(self, service, location, rows)

    async def view_statements(self, days: int, /) -> list[str]:
        async with self._opened() as service:
            return await views.view_statements(service, f"{self.project}.{self.dataset}", self.table, days)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Service]:
        tokens = credentials.tokens(self.credentials)
        # The metadata server has a private address, and so may an endpoint inside a network.
        async with open_client(
            seconds=self.request_seconds, allow_private=True, max_answer_bytes=MAX_ANSWER_BYTES
        ) as client:
            yield Service(Login(tokens, client), parse_url(self.endpoint), self.project)


class BigQueryConnection:
    """Encodes in a thread, uploads, and waits for the job."""

    receipt = b""

    def __init__(self, sink: BigQuery, service: Service, location: str, rows: Rows) -> None:
        self._sink = sink
        self._service = service
        self._location = location
        self._rows = rows
        self._encoder = Encoder(rows.columns, nullable=True)

    async def write(self, batch: Batch, /) -> bytes:
        try:
            with anyio.fail_after(self._sink.write_seconds):
                await self._write(batch)
        except TimeoutError as error:
            text = f"{self._sink.target}: not loaded within {self._sink.write_seconds:g} s"
            raise SinkUnavailable(text) from error
        return b""

    async def _write(self, batch: Batch) -> None:
        name = job_id(self._sink.target, batch)
        last = await self._last_attempt(name)
        if last >= 0 and (await self._finished(f"{name}-{last}")).error_result is None:
            return
        content = await to_thread.run_sync(self._encode, batch)
        id = f"{name}-{last + 1}"
        await self._service.load(self._describe(id), content)
        problem = (await self._finished(id)).error_result
        if problem:
            raise_for(problem, self._sink.target)

    async def _last_attempt(self, name: str) -> int:
        """
        Return the number of the last job for a batch, -1 if there is none.

        A failed job keeps its id, so that another attempt is another job. There is one only if all earlier
        ones have failed.
        """
        there, missing = -1, 0
        while await self._service.job(f"{name}-{missing}", self._location):
            there, missing = missing, 2 * missing + 1
        while missing - there > 1:
            middle = (there + missing) // 2
            if await self._service.job(f"{name}-{middle}", self._location):
                there = middle
            else:
                missing = middle
        return there

    async def _finished(self, id: str) -> Status:
        """Return the state of a job once it is done."""
        wait = _FIRST_WAIT_SECONDS
        while True:
            status = await self._service.job(id, self._location)
            if status is None:
                raise SinkUnavailable(f"{self._sink.target}: the job {id} is not there yet")
            if status.state == "DONE":
                return status
            await anyio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT_SECONDS)

    def _describe(self, id: str) -> dict[str, Any]:
        sink = self._sink
        return {
            "jobReference": {"projectId": sink.project, "jobId": id, "location": self._location},
            "configuration": {
                "load": {
                    "destinationTable": {
                        "projectId": sink.project,
                        "datasetId": sink.dataset,
                        "tableId": sink.table,
                    },
                    "sourceFormat": "PARQUET",
                    "createDisposition": "CREATE_NEVER",
                    "writeDisposition": "WRITE_APPEND",
                },
            },
        }

    def _encode(self, batch: Batch) -> bytes:
        """Return the rows of a batch as a Parquet file. Raises SinkRefused if lines are not events."""
        loaded_at = datetime.now(UTC)
        parts = convert_all(self._rows, batch, lambda rows: self._encoder.convert(rows, loaded_at))
        return bytes(self._encoder.encode(parts))


def job_id(target: str, batch: Batch) -> str:
    """Return the id of a batch's jobs, unique to its content; the number of the attempt follows it."""
    exact = f"{target} {batch.origin} {batch.id} {batch.epoch:016x}"
    digest = hashlib.blake2b(exact.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"event-gateway-{_NOT_IN_IDS.sub('_', batch.id)[:200]}-{digest}"
