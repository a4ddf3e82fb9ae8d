"""The clickhouse sink for the contract suite, with a table of its own for each test."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.base import Sink
from gateway.sinks.clickhouse import ClickHouse
from tests.sinks import chaos
from tests.sinks.batches import deliver
from tests.sinks.chaos import Target
from tests.sinks.clickhouse_server import DATABASE, clickhouse_server
from tests.sinks.contract import POISON, Example
from tests.sinks.cutting_proxy import cutting_proxy

FULL = chaos.answer(
    500,
    b"Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)",
    X_ClickHouse_Exception_Code="243",
)


class Impatient(ClickHouse, tag="impatient", kw_only=True):
    write_seconds: ClassVar[float] = 1


def sink_in(folder: Path, **keys: Any) -> ClickHouse:
    """Return a sink whose table is named after the folder of a test."""
    name = f"t_{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
    return clickhouse_server().sink(name, batch_time=Duration(0), **keys)


def rows(sink: ClickHouse, columns: str = "*") -> list[dict[str, Any]]:
    """Return the rows of a sink's table, in the order of their positions."""
    order = "ORDER BY toUInt64(splitByChar('/', position)[2])"
    return clickhouse_server().run(f"SELECT {columns} FROM {DATABASE}.{sink.table} {order}")


def ids(sink: ClickHouse) -> list[str]:
    return [row["id"] for row in rows(sink, "id")]


class InTable(Example):
    refuses = True
    has_credentials = True
    faults = ("gone", "slow", "full")

    def __init__(self, folder: Path) -> None:
        self.sink: ClickHouse = sink_in(folder)
        deliver(self.sink)  # which creates the table
        table = f"{DATABASE}.{self.sink.table}"
        clickhouse_server().run(
            f"ALTER TABLE {table} ADD CONSTRAINT tasty CHECK ifNull(event, '') != '{POISON}'"
        )

    def arrived(self) -> list[str]:
        return ids(self.sink)

    def spoil(self, line: bytes) -> bytes:
        """Break a constraint of the table."""
        return line.replace(b'"event":"Ordered"', f'"event":"{POISON}"'.encode())

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, password=Secret("wrong-password"))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        if fault == "gone":
            with cutting_proxy(clickhouse_server().port, b"insert_deduplication_token", "after") as port:
                yield self.impatient(port)
        else:
            with Target(chaos.script(then=FULL if fault == "full" else chaos.never_answer)) as target:
                yield self.impatient(target.port)

    def impatient(self, port: int) -> ClickHouse:
        keys = {name: getattr(self.sink, name) for name in ("database", "table", "user", "password")}
        return Impatient(url=f"http://127.0.0.1:{port}", batch_time=Duration(0), **keys)
