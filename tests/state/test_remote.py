"""The state in PostgreSQL: lost connections, COMMITs without an answer, tables of other gateways."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.errors import ConfigError, StateUnavailable
from gateway.journal.base import Position
from gateway.postgresql import schema
from gateway.postgresql.connection import Session
from gateway.postgresql.place import Remote
from gateway.sqlite import open_for_reading
from gateway.state import places
from gateway.state.base import Connection
from gateway.state.store import State
from gateway.state.tally import Tally
from tests import databases
from tests.sinks.postgres_server import PASSWORD, PostgresServer, postgres_server
from tests.state.conftest import ID
from tests.state.proxy import Moment, Proxy, proxy

DELIVERED = ("delivered", "")
OTHER = bytes(16)


@pytest.fixture
def url() -> Iterator[str]:
    with databases.database() as url:
        yield url


@pytest.fixture
def place(url: str) -> Remote:
    found = Remote(Secret(url), "state")
    State.prepare(found, ID)
    return found


@pytest.fixture
def state(place: Remote) -> State:
    return State.open(place, ID)


@pytest.fixture
def server() -> PostgresServer:
    return postgres_server()


def run(url: str, *statements: str) -> list[dict[str, object]]:
    return postgres_server().run(*statements, database=url.rpartition("/")[2])


def cut_all(url: str) -> None:
    name = url.rpartition("/")[2]
    others = f"datname = '{name}' AND pid <> pg_backend_pid()"
    run(url, f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE {others}")


def test_a_connection_that_was_lost_while_it_was_idle_is_replaced(url: str, state: State) -> None:
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}))
    cut_all(url)

    state.record("sink", "0", Position(4), Tally({DELIVERED: 1}))

    assert state.position("sink", "0") == Position(4)


def test_a_transaction_whose_connection_is_lost_has_no_effect(url: str, place: Remote, state: State) -> None:
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}))

    def lose(lent: Connection) -> None:
        lent.execute("UPDATE progress SET position = 9")
        cut_all(url)
        lent.execute("UPDATE progress SET position = 10")

    with pytest.raises(StateUnavailable), places.open_database(place, ID).writing("sink") as lent:
        lose(lent)

    assert state.position("sink", "0") == Position(3)


@pytest.fixture
def relay(server: PostgresServer) -> Iterator[Proxy]:
    with proxy(server.port) as relay:
        yield relay


@pytest.mark.parametrize(("moment", "position"), [("before", 3), ("after", 4)])
def test_a_commit_without_an_answer_is_looked_up(
    url: str, state: State, server: PostgresServer, relay: Proxy, moment: Moment, position: int
) -> None:
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}))
    address = url.replace(f":{server.port}/", f":{relay.port}/") + "?sslmode=disable"
    relayed = State.open(Remote(Secret(address), "state"), ID)
    relayed.paused()
    relay.cut = b"COMMIT", moment

    with ExitStack() as expected:
        if moment == "before":
            expected.enter_context(pytest.raises(StateUnavailable, match="nothing was written"))
        relayed.record("sink", "0", Position(4), Tally({DELIVERED: 1}), after=Position(3))

    assert relay.cut is None
    assert (state.position("sink", "0"), state.tallies()) == (
        Position(position),
        {"sink": {DELIVERED: position}},
    )


def test_a_server_that_hangs_is_left_in_time_and_used_again(
    url: str, state: State, server: PostgresServer
) -> None:
    own = State.open(Remote(Secret(f"{url}?application_name=hangs"), "state"), ID)
    own.record("sink", "0", Position(3), Tally())
    hanging = server.signal_sessions("hangs", signal.SIGSTOP)

    with pytest.raises(StateUnavailable, match="no answer within"):
        own.record("sink", "0", Position(4), Tally())
    server.signal_sessions("hangs", signal.SIGCONT)
    own.record("other", "0", Position(5), Tally())

    assert hanging
    assert (state.position("sink", "0"), state.position("other", "0")) == (Position(3), Position(5))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    gone = Remote(Secret(f"postgresql://tests:{PASSWORD}@127.0.0.1:1/tests"), "state")
    state = State.open(gone, ID)

    for call in (state.paused, lambda: state.position("sink", "0"), lambda: state.save_receipt("sink", b"")):
        with pytest.raises(StateUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1: "):
            call()
    with pytest.raises(StateUnavailable):
        State.open_read_only(gone)
    with pytest.raises(StateUnavailable):
        State.prepare(gone, ID)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://tests:{password}@127.0.0.1:1/tests",
        "postgresql://tests:{password}x@127.0.0.1:{port}/tests",
        "postgresql://tests:{password}@127.0.0.1:{port}/{password}",
        "postgresql://tests:x@127.0.0.1:{password}/tests",
        "postgresql://tests@127.0.0.1:{port}/tests?password={password}&sslmode={password}",
    ],
)
def test_no_error_repeats_the_password(server: PostgresServer, address: str) -> None:
    wrong = Remote(Secret(address.format(password=PASSWORD, port=server.port)), "state")

    with pytest.raises((StateUnavailable, ConfigError)) as raised:
        State.prepare(wrong, ID)

    assert PASSWORD not in f"{raised.value} {raised.value!r} {wrong} {wrong!r}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another authority", "another name"])
def test_a_certificate_that_is_not_valid_is_refused(url: str, server: PostgresServer, host: str) -> None:
    authority = server.certificate if host == "localhost" else "/etc/ssl/certs/ca-certificates.crt"
    address = f"{url.replace('127.0.0.1', host)}?sslmode=verify-full&sslrootcert={authority}"

    with pytest.raises(StateUnavailable, match="certificate"):
        State.prepare(Remote(Secret(address), "state"), ID)


def test_a_valid_certificate_is_accepted(url: str, server: PostgresServer) -> None:
    address = f"{url}?sslmode=verify-full&sslrootcert={server.certificate}"

    State.prepare(Remote(Secret(address), "state"), ID)

    assert run(url, "SELECT count(*) FROM event_gateway.meta")[0]["count"] == 1


def test_the_state_of_another_journal_is_refused_and_not_changed(place: Remote, state: State) -> None:
    state.record("sink", "0", Position(3), Tally())

    with pytest.raises(ConfigError, match="another journal"):
        State.prepare(place, OTHER)
    with pytest.raises(StateUnavailable, match="another journal"):
        State.open(place, OTHER).record("sink", "0", Position(9), Tally())

    assert state.position("sink", "0") == Position(3)


def test_tables_of_a_later_version_are_refused_and_not_changed(url: str, place: Remote) -> None:
    run(url, "UPDATE event_gateway.meta SET version = 99")

    with pytest.raises(
        ConfigError, match=f"version 99; this gateway knows no later one than {schema.VERSION}"
    ):
        State.prepare(Remote(Secret(f"{url}?application_name=new"), "state"), ID)

    assert run(url, "SELECT version FROM event_gateway.meta")[0]["version"] == 99


def test_a_database_that_cannot_hold_every_text_is_refused() -> None:
    with databases.database(encoding="SQL_ASCII") as url, pytest.raises(ConfigError, match="ENCODING 'UTF8'"):
        State.prepare(Remote(Secret(url), "state"), ID)


def test_text_is_text_whatever_encoding_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, place: Remote
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "SQL_ASCII")
    state = State.open(Remote(Secret(f"{place.url.reveal()}?application_name=other"), "state"), ID)

    state.record("Ä", "0", Position(3), Tally({DELIVERED: 3}))

    assert state.tallies() == {"Ä": {DELIVERED: 3}}


def test_many_gateways_that_start_at_once_make_the_tables_once(url: str) -> None:
    failures: list[Exception] = []

    def start(number: int) -> None:
        try:
            State.prepare(Remote(Secret(f"{url}?application_name=gateway-{number}"), "state"), ID)
        except (ConfigError, StateUnavailable) as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(run(url, "SELECT * FROM event_gateway.meta")) == 1


def test_a_role_that_may_only_read_and_write_needs_tables_that_are_there(
    url: str, server: PostgresServer
) -> None:
    role = f"{url.rpartition('/')[2]}_role"
    own = f"postgresql://{role}:{PASSWORD}@127.0.0.1:{server.port}/{url.rpartition('/')[2]}"
    run(url, f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    place = Remote(Secret(own), "state")
    with pytest.raises(ConfigError, match="permission denied"):
        State.prepare(place, ID)
    State.prepare(Remote(Secret(url), "state"), ID)
    run(
        url,
        f"GRANT USAGE ON SCHEMA event_gateway TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA event_gateway TO {role}",
    )

    state = State.open(place, ID)
    state.record("sink", "0", Position(3), Tally())
    state.orders.place("sink", "pause")

    assert state.paused() == {"sink"}
    run(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_search_path_of_the_url_says_where_the_tables_lie(url: str) -> None:
    run(url, "CREATE SCHEMA mine")

    State.prepare(Remote(Secret(f"{url}?options=-csearch_path%3Dmine"), "state"), ID)

    assert len(run(url, "SELECT * FROM mine.meta")) == 1


def test_what_is_recorded_is_durable_whatever_the_role_says(url: str, place: Remote) -> None:
    run(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")

    session = Session.connect(Secret(url))

    assert session.execute("SELECT current_setting('synchronous_commit')").get == "on"
    session.close()


def test_both_states_have_the_same_columns(url: str, place: Remote, tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    State.prepare(file, ID)
    reader = open_for_reading(file)
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"

    tables = [name for (name,) in reader.execute(query)]

    for table in tables:
        ours = [name for (name,) in reader.execute("SELECT name FROM pragma_table_info(?)", (table,))]
        theirs = run(
            url,
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_schema = 'event_gateway' AND table_name = '{table}' ORDER BY ordinal_position",
        )
        assert [row["column_name"] for row in theirs] == ours, table
    reader.close()
