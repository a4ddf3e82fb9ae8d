"""Tables are created and widened when the sink connects; what an operator must change is told."""

from pathlib import Path
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.postgres import Postgres
from tests.sinks.batches import batch, deliver
from tests.sinks.postgres_server import PASSWORD, postgres_server
from tests.sinks.postgres_tables import ids, run, sink_in

REVENUE = {"revenue": "properties.revenue: number"}


def types(table: str) -> dict[str, str]:
    query = f"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}'"
    return {found["column_name"]: found["data_type"] for found in run(query)}


def misconfigured(sink: Postgres) -> str:
    with pytest.raises(SinkMisconfigured) as raised:
        deliver(sink)
    return str(raised.value)


def test_a_table_is_created_in_the_schema_that_is_named(tmp_path: Path) -> None:
    name = sink_in(tmp_path).table
    run(f"CREATE SCHEMA s_{name}", "SELECT 1")

    sink = Postgres(dsn=Secret(postgres_server().dsn()), table=f"s_{name}.{name}", unique=True)
    deliver(sink, batch(0, 2))

    assert ids(sink) == ["m0", "m1"]


def test_a_table_of_an_operator_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    run(
        f"CREATE TABLE {sink.table} (id text, own text)",
        f"INSERT INTO {sink.table} VALUES ('old')",
        "SELECT 1",
    )

    deliver(sink, batch(0, 1))

    assert ids(sink) == ["old", "m0"]


def test_columns_are_not_added_while_a_long_query_reads_the_table(tmp_path: Path) -> None:
    deliver(sink_in(tmp_path), batch(0, 1))
    wider = sink_in(tmp_path, columns=REVENUE, dsn=f"{postgres_server().dsn()}?lock_timeout=50ms")
    lock = f"LOCK TABLE {wider.table} IN ACCESS SHARE MODE"

    with postgres_server().holding(lock), pytest.raises(SinkUnavailable, match="55P03"):
        deliver(wider)

    assert "revenue" not in types(wider.table)


def test_a_column_that_must_not_be_null_is_a_misconfiguration_that_the_statement_mends(
    tmp_path: Path,
) -> None:
    sink = sink_in(tmp_path)
    run(f"CREATE TABLE {sink.table} (own text NOT NULL)", "SELECT 1")

    told = misconfigured(sink)
    run(told.partition("run: ")[2], "SELECT 1")
    deliver(sink, batch(0, 1))

    assert ids(sink) == ["m0"]


def test_a_database_in_another_encoding_is_a_misconfiguration() -> None:
    server = postgres_server()
    server.run("CREATE DATABASE latin1 ENCODING LATIN1 LOCALE 'C' TEMPLATE template0", database="postgres")

    told = misconfigured(Postgres(dsn=Secret(server.dsn(database="latin1"))))

    assert "LATIN1" in told


def test_a_schema_that_does_not_exist_is_a_misconfiguration() -> None:
    told = misconfigured(Postgres(dsn=Secret(postgres_server().dsn()), table="nowhere.events"))

    assert "3F000" in told


def test_missing_rights_are_a_misconfiguration_that_the_statements_mend(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink)
    role = f"r_{sink.table}"
    run(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'", "SELECT 1")
    poor = sink_in(tmp_path, dsn=postgres_server().dsn(user=role))

    told = misconfigured(poor)
    run(*told.partition("run: ")[2].split("; "), "SELECT 1")
    deliver(poor, batch(0, 1))

    assert ids(sink) == ["m0"]


def test_a_role_that_may_not_create_a_table_is_a_misconfiguration(tmp_path: Path) -> None:
    role = f"c_{sink_in(tmp_path).table}"
    run(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'", "SELECT 1")

    told = misconfigured(sink_in(tmp_path, dsn=postgres_server().dsn(user=role)))

    assert "42501" in told


def test_duplicates_in_the_table_make_unique_a_misconfiguration(tmp_path: Path) -> None:
    deliver(sink_in(tmp_path), batch(0, 2), batch(0, 2, partition="1"))

    told = misconfigured(sink_in(tmp_path, unique=True))

    assert "23505" in told


def test_an_operators_own_unique_index_is_used(tmp_path: Path) -> None:
    sink = sink_in(tmp_path, unique=True)
    run(
        f"CREATE TABLE {sink.table} (id text, received_at timestamptz) PARTITION BY RANGE (received_at)",
        f"CREATE TABLE {sink.table}_all PARTITION OF {sink.table} DEFAULT",
        f"CREATE UNIQUE INDEX ON {sink.table} (id, received_at)",
        "SELECT 1",
    )

    deliver(sink, batch(0, 2), batch(0, 3, partition="1"))

    assert ids(sink) == ["m0", "m1", "m2"]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("dsn", "mysql://a:secret@b/c", "expected a URL"),
        ("dsn", "postgresql://a:secr@et@b/c", "percent-encoded"),
        ("dsn", "postgresql://a:secr/et@b/c", "percent-encoded"),
        ("dsn", "postgresql://a:secret@[b/c", "not a valid URL"),
        ("table", 'events"', "expected"),
        ("table", "a.b.c", "expected"),
        ("table", "e" * 60, "expected"),
        ("columns", {"id": "properties.id: text"}, "of its own"),
        ("columns", {"loaded_at": "properties.id: text"}, "of its own"),
        ("columns", {"xmin": "properties.id: text"}, "of its own"),
        ("columns", {"a": "properties.id"}, "one of the types"),
    ],
)
def test_a_mistake_is_found_without_a_connection(key: str, value: Any, text: str) -> None:
    keys = {"dsn": "postgresql://a:secret@b/c", key: value}

    [(found, told)] = Postgres(**{**keys, "dsn": Secret(keys["dsn"])}).check()

    assert found == key
    assert text in told
    assert "secr" not in told
