"""The file and its table: values, columns, and failures with the statement that fixes them."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.duckdb import DuckDb
from gateway.sinks.duckdb_file import failures
from gateway.sinks.duckdb_file.statements import Statements
from tests.build import event_line
from tests.homes import unprivileged_user
from tests.sinks.batches import batch, batch_of, deliver, statement_asked_by
from tests.sinks.duckdb_example import ids, run, sink_in

REVENUE = {"revenue": "properties.revenue: number"}


def one(folder: Path, line: bytes, wanted: str, **keys: Any) -> tuple[Any, ...]:
    """Return columns of the row of an event."""
    sink = sink_in(folder, **keys)
    deliver(sink, batch_of([line], "0", 41))
    [row] = run(sink, f"SELECT {wanted} FROM events")
    return tuple(row)


def test_a_row_is_the_event(tmp_path: Path) -> None:
    line = event_line(0, event='é\u2028"\\', sentAt="0001-01-01T00:00:00.002Z")

    found = one(tmp_path, line, "id, event, name, source, position, epoch_ms(sent_at), loaded_at <= now()")

    sent = (datetime(1, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000 + 2
    assert found == ("m0", 'é\u2028"\\', None, "default", "0/41", sent, True)


def test_half_of_a_surrogate_pair_is_replaced_for_it_is_no_text(tmp_path: Path) -> None:
    line = event_line(0).replace(b'"properties":{}', rb'"properties":{"a":"\ud800"}')

    assert one(tmp_path, line, "properties->>'a'") == ("\ufffd",)


def test_promoted_columns_have_values_of_their_types(tmp_path: Path) -> None:
    values = {"text": "a", "integer": "7", "number": 1.5, "boolean": "yes", "json": "a text"}
    columns = {f"c_{type}": f"properties.{type}: {type}" for type in values}

    row = one(tmp_path, event_line(0, properties=values), ", ".join(columns), columns=columns)
    empty = one(tmp_path / "other", event_line(0), ", ".join(columns), columns=columns)

    assert row == ("a", 7, 1.5, True, '"a text"')
    assert set(empty) == {None}


def test_a_column_that_events_do_not_fill_is_refused_with_the_statement_that_mends_it(
    tmp_path: Path,
) -> None:
    sink = sink_in(tmp_path)
    run(sink, "CREATE TABLE events (id VARCHAR, own INTEGER NOT NULL, other INTEGER NOT NULL DEFAULT 1)")

    asked = statement_asked_by(sink)
    run(sink, asked)
    deliver(sink, batch(0, 1))

    assert asked == 'ALTER TABLE "events" ALTER COLUMN "own" DROP NOT NULL'
    assert run(sink, "SELECT id, own, other FROM events") == [("m0", None, 1)]


def test_an_event_that_breaks_a_constraint_is_refused_without_a_culprit(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    run(sink, "CREATE TABLE events (id VARCHAR, event VARCHAR CHECK (event <> 'Poison'))")

    with pytest.raises(SinkRefused, match="CHECK constraint failed") as raised:
        deliver(sink, batch_of([event_line(0), event_line(1, event="Poison")]))
    deliver(sink, batch(0, 1))

    assert (raised.value.code, raised.value.culprits) == ("constraint", {})
    assert ids(sink) == ["m0"]


def test_positions_that_are_refused_are_no_fault_of_an_event(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    run(
        sink,
        'CREATE TABLE events_positions (sink VARCHAR, "partition" VARCHAR, epoch VARCHAR,'
        " position BIGINT CHECK (position = 0), ahead BIGINT, updated_at TIMESTAMPTZ,"
        ' PRIMARY KEY (sink, "partition", epoch))',
    )

    with pytest.raises(SinkMisconfigured, match="CHECK constraint failed"):
        deliver(sink, batch(0, 1))


def test_a_partition_that_another_connection_begins_meanwhile_is_tried_again(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink)
    begin = Statements(sink.table, []).begin
    key = {"sink": "archive", "partition": "0", "epoch": "0"}
    with duckdb.connect(sink.path) as database, database.cursor() as other:
        database.begin()
        database.execute("FROM events_positions")  # from here on it does not see what others change
        other.execute(begin, key)

        with pytest.raises(duckdb.ConstraintException) as raised:
            database.execute(begin, key)

    assert isinstance(failures.translate(raised.value, of_events=False), SinkUnavailable)


def test_the_file_and_its_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    sink = sink_in(tmp_path / "new")

    deliver(sink, batch(0, 1))

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (sink.path, sink.path.parent)]
    assert modes == [0o600, 0o700]


def test_the_file_can_be_opened_by_versions_since_1_4(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 1))

    [(tags,)] = run(sink, "SELECT tags FROM duckdb_databases() WHERE database_name = current_database()")

    assert tags["storage_version"] == "v1.4.0+"


def test_a_file_that_is_not_a_database_is_a_misconfiguration(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    sink.path.write_text("not a database")

    with pytest.raises(SinkMisconfigured, match="not a valid DuckDB database file"):
        deliver(sink)

    assert sink.path.read_text() == "not a database"


def test_a_file_that_this_user_may_not_write_is_a_misconfiguration(tmp_path: Path) -> None:
    deliver(sink_in(tmp_path))  # imports everything, which the other user might not be able to
    with unprivileged_user() as folder:
        sink = sink_in(folder)
        duckdb.connect(sink.path).close()
        sink.path.chmod(0o400)

        with pytest.raises(SinkMisconfigured, match="Permission denied"):
            deliver(sink)


def test_mistakes_in_the_table_are_named(tmp_path: Path) -> None:
    sink = DuckDb(path=tmp_path, table='x"y', columns={"id": "x"})

    assert {key for key, _ in sink.check()} == {"path", "table", "columns"}
