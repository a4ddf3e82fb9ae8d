"""Sinks with tables in a database: how these are created and widened, and what a row holds of an event."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

from gateway.errors import SinkMisconfigured, SinkRefused
from tests.build import event_line
from tests.sinks import clickhouse_example, duckdb_example, postgres_tables
from tests.sinks.batches import batch, batch_of, deliver, statement_asked_by
from tests.sinks.clickhouse_server import DATABASE, clickhouse_server

REVENUE = {"revenue": "properties.revenue: number"}


class Kind(NamedTuple):
    """How a sink is made, and its database spoken to."""

    sink_in: Callable[..., Any]
    run: Callable[[Any, str], object]
    """Runs a statement."""
    values: Callable[[Any, str], list[Any]]
    """Returns a column of the sink's table, by position."""
    table: Callable[[Any], str]


def in_duckdb(sink: Any, column: str) -> list[Any]:
    order = "split_part(position, '/', 2)::BIGINT"
    return [value for (value,) in duckdb_example.run(sink, f"SELECT {column} FROM events ORDER BY {order}")]


def in_postgres(sink: Any, column: str) -> list[Any]:
    order = "split_part(position, '/', 2)::bigint"
    rows = postgres_tables.run(f"SELECT {column} AS value FROM {sink.table} ORDER BY {order}")
    return [row["value"] for row in rows]


KINDS = {
    "duckdb": Kind(duckdb_example.sink_in, duckdb_example.run, in_duckdb, lambda sink: "events"),
    "postgres": Kind(
        postgres_tables.sink_in,
        lambda sink, statement: postgres_tables.run(statement, "SELECT 1"),
        in_postgres,
        lambda sink: str(sink.table),
    ),
    "clickhouse": Kind(
        clickhouse_example.sink_in,
        lambda sink, statement: clickhouse_server().run(statement),
        lambda sink, column: [row[column] for row in clickhouse_example.rows(sink, column)],
        lambda sink: f"{DATABASE}.{sink.table}",
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
that_keeps_texts = pytest.mark.parametrize(
    "kind", [KINDS["duckdb"], KINDS["clickhouse"]], ids=["duckdb", "clickhouse"]
)


@every_kind
def test_a_promoted_column_is_added_to_a_table_that_has_rows(kind: Kind, tmp_path: Path) -> None:
    deliver(kind.sink_in(tmp_path), batch(0, 1))
    sink = kind.sink_in(tmp_path, columns=REVENUE)

    deliver(sink, batch_of([event_line(1, properties={"revenue": "12.5"})], first=1))

    assert kind.values(sink, "revenue") == [None, 12.5]


@every_kind
def test_a_column_of_another_type_is_refused_with_the_statement_that_mends_it(
    kind: Kind, tmp_path: Path
) -> None:
    deliver(kind.sink_in(tmp_path, columns=REVENUE), batch(0, 1))
    sink = kind.sink_in(tmp_path, columns={"revenue": "properties.revenue: text"})

    kind.run(sink, statement_asked_by(sink))
    deliver(sink, batch_of([event_line(1, properties={"revenue": "much"})], first=1))

    assert kind.values(sink, "revenue") == [None, "much"]


@every_kind
def test_a_column_that_is_dropped_meanwhile_is_there_again_after_a_reconnect(
    kind: Kind, tmp_path: Path
) -> None:
    sink = kind.sink_in(tmp_path)
    deliver(sink, batch(0, 1))

    async def write_after_it() -> None:
        async with sink.connect("archive", b"") as connection:
            kind.run(sink, f"ALTER TABLE {kind.table(sink)} DROP COLUMN name")
            await connection.write(batch(1, 2))

    with pytest.raises(SinkMisconfigured, match="name"):
        anyio.run(write_after_it, backend_options={"use_uvloop": True})
    deliver(sink, batch(1, 2))

    assert kind.values(sink, "id") == ["m0", "m1"]


@every_kind
def test_lines_that_are_not_events_are_all_named_at_once(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    lines = [event_line(0), b"{}", event_line(2), b"[]", b"nonsense", b'{"type":"\xff"}']

    with pytest.raises(SinkRefused) as raised:
        deliver(sink, batch_of(lines))

    assert sorted(raised.value.culprits) == [1, 3, 4, 5]
    assert kind.values(sink, "id") == []


@that_keeps_texts
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"b":1.10,"a":1e2,"a":12345678901234567890123}', id="digits and doubled keys"),
        pytest.param('{"n":1e400,"d":%s}' % ("9" * 400), id="huge numbers"),
        pytest.param(r'{"\u0000":"\u0000"}', id="U+0000"),
        pytest.param('{"a":' * 60 + "{}" + "}" * 60, id="nested"),
    ],
)
def test_json_stays_as_it_was(kind: Kind, tmp_path: Path, text: str) -> None:
    sink = kind.sink_in(tmp_path)

    deliver(sink, batch_of([event_line(0).replace(b'"properties":{}', b'"properties":' + text.encode())]))

    assert kind.values(sink, "properties") == [text]


@that_keeps_texts
def test_a_text_can_have_u0000(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)

    deliver(sink, batch_of([event_line(0, event="a\0b")]))

    assert kind.values(sink, "event") == ["a\0b"]
