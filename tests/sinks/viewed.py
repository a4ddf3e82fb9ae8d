"""Sinks whose targets have views, each with a place of its own for its table and its views."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import duckdb

from gateway.config.secret import Secret
from gateway.config.units import Duration
from gateway.sinks.duckdb import DuckDb
from gateway.sinks.postgres import Postgres
from tests.sinks.batches import batch_of, write
from tests.sinks.clickhouse_server import PASSWORD, USER, clickhouse_server
from tests.sinks.postgres_server import postgres_server


class Viewed(ABC):
    """A sink's target with its views."""

    def __init__(self, folder: Path) -> None:
        self._place = f"v_{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
        self._folder = folder
        self._written = 0

    def write(self, *lines: bytes, table: str = "events") -> None:
        """Write events, and create the views on them."""
        self.append(*lines, table=table)
        self.run(anyio.run(self.sink(table).view_statements, 30))

    def append(self, *lines: bytes, table: str = "events") -> None:
        """Write events."""
        write(self.sink(table), b"", batch_of(lines, first=self._written))
        self._written += len(lines)

    @property
    @abstractmethod
    def configuration(self) -> str:
        """The sink's table in gateway.toml, without its first line."""

    @abstractmethod
    def sink(self, table: str) -> Any:
        """Return the sink, which is Viewable."""

    @abstractmethod
    def run(self, statements: Sequence[str]) -> None:
        """Run statements one after the other, in one session."""

    @abstractmethod
    def select(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a view or a table, by their ids."""

    @abstractmethod
    def names(self) -> set[str]:
        """Return the names of all views."""


class InPostgres(Viewed):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.run([f"CREATE SCHEMA {self._place}"])

    def sink(self, table: str) -> Any:
        return Postgres(dsn=Secret(postgres_server().dsn()), table=f"{self._place}.{table}")

    @property
    def configuration(self) -> str:
        return f'kind = "postgres"\ndsn = "{postgres_server().dsn()}"\ntable = "{self._place}.events"\n'

    def run(self, statements: Sequence[str]) -> None:
        postgres_server().run(*statements, "SELECT 1")

    def select(self, name: str) -> list[dict[str, Any]]:
        return postgres_server().run(f'SELECT * FROM {self._place}."{name}" ORDER BY id')

    def names(self) -> set[str]:
        found = f"SELECT table_name FROM information_schema.views WHERE table_schema = '{self._place}'"
        return {row["table_name"] for row in postgres_server().run(found)}


class InClickHouse(Viewed):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.run([f"CREATE DATABASE {self._place}"])

    def sink(self, table: str) -> Any:
        return clickhouse_server().sink(table, database=self._place, batch_time=Duration(0))

    @property
    def configuration(self) -> str:
        login = f'user = "{USER}"\npassword = "{PASSWORD}"\n'
        return f'kind = "clickhouse"\nurl = "{clickhouse_server().url}"\ndatabase = "{self._place}"\n{login}'

    def run(self, statements: Sequence[str]) -> None:
        for statement in statements:
            clickhouse_server().run(statement)

    def select(self, name: str) -> list[dict[str, Any]]:
        return clickhouse_server().run(f"SELECT * FROM {self._place}.`{name}` ORDER BY id")

    def names(self) -> set[str]:
        found = f"SELECT name FROM system.tables WHERE engine = 'View' AND database = '{self._place}'"
        return {row["name"] for row in clickhouse_server().run(found)}


class InDuckDb(Viewed):
    def sink(self, table: str) -> Any:
        return DuckDb(path=self._path, table=table, batch_time=Duration(0))

    @property
    def _path(self) -> Path:
        return self._folder / "events.duckdb"

    @property
    def configuration(self) -> str:
        return f'kind = "duckdb"\npath = "{self._path}"\n'

    def run(self, statements: Sequence[str]) -> None:
        with duckdb.connect(self._path) as database:
            for statement in statements:
                database.execute(statement)

    def select(self, name: str) -> list[dict[str, Any]]:
        with duckdb.connect(self._path) as database:
            found = database.execute(f'SELECT * FROM "{name}" ORDER BY id')
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def names(self) -> set[str]:
        with duckdb.connect(self._path) as database:
            found = database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        return {name for (name,) in found}


ENGINES: dict[str, type[Viewed]] = {"postgres": InPostgres, "clickhouse": InClickHouse, "duckdb": InDuckDb}
