"""Failures of the server: which class they have, that nothing is lost, and that no secret is told."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Connection
from gateway.sinks.postgres import Postgres
from tests.build import event_line
from tests.sinks.batches import batch, batch_of, deliver
from tests.sinks.cutting_proxy import Moment, cutting_proxy
from tests.sinks.postgres_server import PostgresServer, postgres_server
from tests.sinks.postgres_tables import ids, run, run_loop, sink_in


@pytest.fixture
def server() -> PostgresServer:
    return postgres_server()


class Impatient(Postgres, tag="impatient"):
    write_seconds: ClassVar[float] = 3.0


def fail_after_first(sink: Postgres, break_it: Callable[[], object]) -> SinkError:
    """Write a batch, break something, and return what the next batch of the same connection raises."""

    async def write_two() -> SinkError:
        async with sink.connect("archive", b"") as connection:
            await connection.write(batch(0, 2))
            break_it()
            return await failure(connection, 2, 4)

    return run_loop(write_two)


async def failure(connection: Connection, first: int, end: int) -> SinkError:
    with pytest.raises(SinkError) as raised:
        await connection.write(batch(first, end))
    return raised.value


def test_a_server_that_is_killed_is_unavailable_and_its_events_are_there_afterwards(
    tmp_path: Path, server: PostgresServer
) -> None:
    sink = sink_in(tmp_path)

    broken = fail_after_first(sink, server.stop)
    with pytest.raises(SinkUnavailable):
        deliver(sink)
    server.start()
    deliver(sink, batch(0, 4))

    assert isinstance(broken, SinkUnavailable)
    assert ids(sink) == ["m0", "m1", "m2", "m3"]


def test_a_session_that_is_terminated_is_unavailable(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    sessions = (
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE '%archive'"
    )

    error = fail_after_first(sink, lambda: run(sessions))

    assert isinstance(error, SinkUnavailable)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connection_cut_in_the_middle_of_a_commit_loses_and_doubles_nothing(
    tmp_path: Path, server: PostgresServer, moment: Moment
) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 2))

    with cutting_proxy(server.port, b"COMMIT;", moment) as port:
        cut = sink_in(tmp_path, dsn=f"{server.dsn(port=port)}?sslmode=disable")
        with pytest.raises(SinkUnavailable):
            deliver(cut, batch(2, 4))
    written = len(ids(sink))
    deliver(sink, batch(2, 5))

    assert written == {"before": 2, "after": 4}[moment]
    assert ids(sink) == ["m0", "m1", "m2", "m3", "m4"]


def test_a_server_that_hangs_is_unavailable(tmp_path: Path, server: PostgresServer) -> None:
    table = sink_in(tmp_path).table
    sink = Impatient(dsn=Secret(server.dsn()), table=table)
    error = fail_after_first(sink, lambda: server.signal_sessions("event-gateway archive", signal.SIGSTOP))
    resumed = server.signal_sessions("event-gateway archive", signal.SIGCONT)

    assert isinstance(error, SinkUnavailable)
    assert str(error) == "no answer in time"
    assert resumed


@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param("127.0.0.1:1", "Connection refused", id="address"),
        pytest.param("no-such-host.invalid", "", id="name"),
    ],
)
def test_a_server_that_is_not_there_is_named_without_the_password(
    tmp_path: Path, place: str, words: str
) -> None:
    sink = sink_in(tmp_path, dsn=f"postgresql://tests:a-password@{place}/tests?sslmode=disable")

    with pytest.raises(SinkUnavailable) as raised:
        deliver(sink)

    assert str(raised.value).startswith(f"{place}: {words}")
    assert "Errno" not in str(raised.value)
    assert "a-password" not in str(raised.value)


def test_a_row_that_another_session_has_locked_makes_it_unavailable(
    tmp_path: Path, server: PostgresServer
) -> None:
    sink = sink_in(tmp_path, dsn=f"{server.dsn()}?lock_timeout=50ms")
    deliver(sink, batch(0, 1))

    lock = f"LOCK TABLE {sink.table}_positions IN EXCLUSIVE MODE"
    with server.holding(lock), pytest.raises(SinkUnavailable, match="55P03"):
        deliver(sink, batch(1, 2))
    deliver(sink, batch(1, 2))

    assert ids(sink) == ["m0", "m1"]


def raise_on_insert(table: str, state: str) -> None:
    """Make the server refuse every row with a SQLSTATE."""
    body = f"BEGIN RAISE EXCEPTION 'as a test' USING ERRCODE = '{state}'; END"
    run(
        f"CREATE FUNCTION {table}_f() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        f"CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_f()",
        "SELECT 1",
    )


@pytest.mark.parametrize(
    ("state", "failure_class"),
    [
        pytest.param("53100", SinkUnavailable, id="disk-full"),
        pytest.param("53200", SinkUnavailable, id="out-of-memory"),
        pytest.param("57014", SinkUnavailable, id="cancelled"),
        pytest.param("40P01", SinkUnavailable, id="deadlock"),
        pytest.param("25006", SinkUnavailable, id="read-only"),
        pytest.param("58030", SinkUnavailable, id="input-output"),
        pytest.param("XX000", SinkUnavailable, id="internal"),
        pytest.param("42501", SinkMisconfigured, id="right"),
        pytest.param("42703", SinkMisconfigured, id="column"),
        pytest.param("0A000", SinkMisconfigured, id="unsupported"),
        pytest.param("22023", SinkRefused, id="value"),
        pytest.param("23514", SinkRefused, id="constraint"),
        pytest.param("54000", SinkRefused, id="too-large"),
        pytest.param("P0001", SinkRefused, id="trigger"),
    ],
)
def test_the_state_of_an_error_decides_its_class(
    tmp_path: Path, state: str, failure_class: type[SinkError]
) -> None:
    sink = sink_in(tmp_path)

    error = fail_after_first(sink, lambda: raise_on_insert(sink.table, state))

    assert type(error) is failure_class
    assert str(error) == f"{state} as a test"
    assert ids(sink) == ["m0", "m1"]


def test_a_database_that_becomes_read_only_is_unavailable(tmp_path: Path, server: PostgresServer) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 2))
    read_only = sink_in(tmp_path, dsn=f"{server.dsn()}?default_transaction_read_only=on")

    with pytest.raises(SinkUnavailable, match="25006"):
        deliver(read_only, batch(2, 4))


def test_a_table_that_is_dropped_is_a_misconfiguration_and_is_made_again(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    error = fail_after_first(sink, lambda: run(f"DROP TABLE {sink.table}"))
    deliver(sink, batch(0, 4))

    assert isinstance(error, SinkMisconfigured)
    assert ids(sink) == ["m2", "m3"]


@pytest.mark.parametrize("culprit", [0, 4, 9], ids=["first", "middle", "last"])
def test_an_event_that_the_table_cannot_hold_is_named_and_costs_no_neighbour(
    tmp_path: Path, culprit: int
) -> None:
    sink = sink_in(tmp_path)
    lines = [event_line(number) for number in range(10)]
    lines[culprit] = lines[culprit].replace(b'"traits":{}', b'"traits":{"a":1e200000}')

    async def write() -> SinkRefused:
        async with sink.connect("archive", b"") as connection:
            with pytest.raises(SinkRefused) as raised:
                await connection.write(batch_of(lines))
            for number, line in enumerate(lines):
                if number != culprit:
                    await connection.write(batch_of([line], first=number))
        return raised.value

    refused = run_loop(write)

    [(index, found)] = refused.culprits.items()
    assert (index, found.code) == (culprit, "invalid_value")
    assert f"line {culprit + 1}, column traits" in found.answer
    assert ids(sink) == [f"m{number}" for number in range(10) if number != culprit]


def test_the_culprit_of_a_batch_that_is_cut_has_its_index_in_the_whole_batch(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    lines = [event_line(number) for number in range(6)]
    lines[4] = lines[4].replace(b'"traits":{}', b'"traits":{"a":1e200000}')
    deliver(sink, batch(0, 2))

    with pytest.raises(SinkRefused) as raised:
        deliver(sink, batch_of(lines))

    assert list(raised.value.culprits) == [4]
    assert set(raised.value.delivered) == {0, 1}
