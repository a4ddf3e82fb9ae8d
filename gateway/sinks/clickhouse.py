"""
Insert events into a table in ClickHouse through its HTTP interface.

A batch is one insert with a token that stands for its content. The table recognizes the token of a repeated
insert within its deduplication window: this is checked before the first write.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from anyio import to_thread
from msgspec import Raw

from gateway.config.secret import Secret
from gateway.config.units import Duration, Positive, Size
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.http_client.client import parse_url
from gateway.sinks.merge_tree import schema, views
from gateway.sinks.merge_tree.server import Server, open_server
from gateway.sinks.rows import promoted
from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, Rows
from gateway.sinks.rows.repaired import convert_all

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SETTINGS = {
    # Inserts that the server collects have no token. It collects them by default since version 26.
    "async_insert": "0",
    "insert_deduplicate": "1",
    # A part of an insert must be a separate block: a repeated insert must be split in the same way.
    "input_format_parallel_parsing": "0",
    "max_insert_block_size": "1048576",
    # Bad rows would be skipped silently.
    "input_format_allow_errors_num": "0",
    "input_format_allow_errors_ratio": "0",
    "input_format_json_read_objects_as_strings": "1",
    "date_time_input_format": "best_effort",
}
_FIRST_INSTANT = datetime(1900, 1, 1, tzinfo=UTC)
_LAST_YEAR = 2299
"""The range of DateTime64; times outside it would silently become other times."""

_encode_lines = msgspec.json.Encoder().encode_lines
_encode = msgspec.json.Encoder().encode


class ClickHouse(Sink, tag="clickhouse", kw_only=True):
    url: str
    """The address of the HTTP interface: "https://clickhouse.example.com:8443"."""
    database: str = "default"
    table: str = "events"
    user: str = "default"
    password: Secret = Secret("")
    columns: Mapping[str, str] = {}
    """The promoted columns: "path: type" by name."""
    batch_events: Positive = 20_000
    batch_bytes: Size = Size(16 * 1024**2)
    batch_time: Duration = Duration(1)
    """ClickHouse advises against more than one insert a second."""

    once_by_batch: ClassVar[bool] = True
    write_seconds: ClassVar[float] = 60
    """The longest time for one batch; a server that takes longer is unavailable."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        try:
            parse_url(self.url)
        except ValueError as error:
            yield "url", str(error)
        for key in ("database", "table"):
            if not _NAME.fullmatch(getattr(self, key)):
                yield key, "expected letters, digits and _"
        if ":" in self.user or not self.user.isprintable():
            yield "user", "must hold no colon"
        for text in promoted.mistakes(self.columns, [column.name for column in (*ENVELOPE, LOADED_AT)]):
            yield "columns", text

    @property
    def target(self) -> str:
        # Path and query may contain a token.
        return f"{self.database}.{self.table} at {parse_url(self.url).origin()}"

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        rows = Rows(self.columns)
        async with self._opened() as server:
            await schema.prepare(server, self._table, rows.columns)
            connection = ClickHouseConnection(server, self._table, rows)
            await connection.probe()
            yield connection

    async def view_statements(self, days: int, /) -> list[str]:
        async with self._opened() as server:
            return await views.view_statements(server, self._table, days)

    @property
    def _table(self) -> schema.Table:
        return schema.Table(self.database, self.table)

    def _opened(self) -> AbstractAsyncContextManager[Server]:
        return open_server(self.url, self.user, self.password, self.write_seconds)


class ClickHouseConnection:
    """Encodes in a thread, and sends each batch as one request."""

    receipt = b""

    def __init__(self, server: Server, table: schema.Table, rows: Rows) -> None:
        self._server = server
        self._rows = rows
        names = [column.name for column in rows.columns]
        into = f"INSERT INTO {table.quoted} ({', '.join(f'`{name}`' for name in names)})"
        self._insert = f"{into} FORMAT JSONCompactEachRow"
        self._insert_nothing = f"{into} SELECT {', '.join(['materialize(NULL)'] * len(names))} WHERE 0"
        self._more = names.index("more")
        self._stated = {
            "originalTimestamp": names.index("original_timestamp"),
            "sentAt": names.index("sent_at"),
        }
        types = [column.type for column in rows.columns]
        promoted = range(len(ENVELOPE), len(types))
        self._times = [*self._stated.values(), *(each for each in promoted if types[each] == "timestamp")]
        self._json = [each for each in promoted if types[each] == "json"]

    async def probe(self) -> None:
        """Insert nothing, which needs the same permissions and settings as a batch."""
        await self._server.insert(self._insert_nothing, _SETTINGS, b"")

    async def write(self, batch: Batch, /) -> bytes:
        token = f"{batch.origin}:{batch.id}:{batch.epoch:016x}"
        data = await to_thread.run_sync(self._encode, batch)
        await self._server.insert(self._insert, {**_SETTINGS, "insert_deduplication_token": token}, data)
        return b""

    def _encode(self, batch: Batch) -> bytes:
        """Return the rows of a batch, one per line. Raises SinkRefused if lines are not events."""
        return b"".join(convert_all(self._rows, batch, lambda rows: _encode_lines(map(self._adapt, rows))))

    def _adapt(self, row: Any) -> Any:
        """Return a row in the form that ClickHouse reads; most need no change."""
        late = [index for index in self._times if row[index] is not None and not _fits(row[index])]
        if not late and not self._json:
            return row
        adapted = [*row]
        for key, index in self._stated.items():
            if index in late:
                adapted[self._more] = _with(adapted[self._more], key, row[index])
        for index in late:
            adapted[index] = None
        for index in self._json:  # a JSON string would lose its quotation marks
            if row[index] is not None:
                adapted[index] = bytes(row[index]).decode()
        return adapted


def _fits(instant: datetime) -> bool:
    return instant >= _FIRST_INSTANT and instant.year <= _LAST_YEAR


def _with(more: Raw, key: str, instant: datetime) -> Raw:
    """Return a JSON object with one more key, at its beginning."""
    rest = bytes(more)[1:]
    return Raw(b"{%b:%b%b%b" % (_encode(key), _encode(instant), b"" if rest == b"}" else b",", rest))
