"""Sinks of tables of their own in the tests' PostgreSQL server, and what these tables hold."""

import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import anyio

from gateway.config.secret import Secret
from gateway.sinks.postgres import Postgres
from tests.sinks.postgres_server import postgres_server

T = TypeVar("T")


def sink_in(folder: Path, **keys: Any) -> Postgres:
    """Return a sink whose table is named after the folder of a test."""
    dsn = keys.pop("dsn", None) or postgres_server().dsn()
    return Postgres(
        dsn=Secret(dsn), table=f"t_{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}", **keys
    )


def run_loop(function: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a function on the loop that the gateway has."""
    return anyio.run(function, backend_options={"use_uvloop": True})


def run(*statements: str) -> list[dict[str, Any]]:
    return postgres_server().run(*statements)


def positions(sink: Postgres) -> list[str]:
    """Return the position of every row, in the order in which they were written."""
    return [row["position"] for row in run(f"SELECT position FROM {sink.table} ORDER BY ctid")]


def ids(sink: Postgres) -> list[str]:
    return [row["id"] for row in run(f"SELECT id FROM {sink.table} ORDER BY ctid")]
