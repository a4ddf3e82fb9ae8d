"""The postgres sink for the contract suite, with a table of its own for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import msgspec

from gateway.config.secret import Secret
from gateway.sinks.base import Sink
from gateway.sinks.postgres import Postgres
from tests.sinks.batches import deliver
from tests.sinks.contract import Example
from tests.sinks.cutting_proxy import cutting_proxy
from tests.sinks.postgres_server import postgres_server
from tests.sinks.postgres_tables import run, sink_in


class Impatient(Postgres, tag="impatient"):
    write_seconds: ClassVar[float] = 0.3


class ByPosition(Example):
    replays_once = True
    refuses = True
    has_credentials = True
    faults = ("gone", "slow", "full")
    unique: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        self.sink: Postgres = sink_in(folder, unique=self.unique)
        deliver(self.sink)  # which creates the table

    def arrived(self) -> list[str]:
        """A table has no order but that of its columns."""
        rows = run(f"SELECT id FROM {self.sink.table} ORDER BY split_part(position, '/', 2)::bigint")
        return [row["id"] for row in rows]

    def spoil(self, line: bytes) -> bytes:
        """Add a number with more digits than jsonb can hold."""
        return line.replace(b'"traits":{}', b'"traits":{"a":1e200000}')

    def denied(self) -> Sink:
        return msgspec.structs.replace(self.sink, dsn=Secret(postgres_server().dsn(password="wrong")))

    @contextmanager
    def broken(self, fault: str) -> Iterator[Sink]:
        server = postgres_server()
        if fault == "gone":
            with cutting_proxy(server.port, b"COMMIT;", "after") as port:
                dsn = Secret(f"{server.dsn(port=port)}?sslmode=disable")
                yield msgspec.structs.replace(self.sink, dsn=dsn)
        elif fault == "slow":
            with server.holding(f"LOCK TABLE {self.sink.table}_positions IN EXCLUSIVE MODE"):
                yield Impatient(dsn=self.sink.dsn, table=self.sink.table, unique=self.unique)
        else:
            table = self.sink.table
            run(
                f"CREATE FUNCTION {table}_full() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE EXCEPTION 'as a test' USING ERRCODE = 'disk_full'; END$$",
                f"CREATE TRIGGER full_disk BEFORE INSERT ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {table}_full()",
                "SELECT 1",
            )
            yield self.sink
            run(f"DROP TRIGGER full_disk ON {table}", "SELECT 1")


class ByEvent(ByPosition):
    unique = True
