"""The views of `gateway sinks views`, run by a real server."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.config.secret import Secret
from gateway.sinks.postgres import Postgres
from gateway.sinks.rows.names import snake
from tests.build import event_line
from tests.sinks.batches import batch_of
from tests.sinks.postgres_server import postgres_server
from tests.sinks.postgres_tables import deliver, run, run_loop, sink_in

STANDARD = ("tracks", "identifies", "users", "pages", "screens", "groups", "aliases")
NOW = "2100-01-01T00:00:00.000Z"  # newer than any number of days


def event(number: int, **fields: Any) -> bytes:
    return event_line(number, **{"receivedAt": NOW, "event": None, **fields})


@pytest.fixture
def schema(tmp_path: Path) -> str:
    """A schema of the test's own, for views have names of their own."""
    name = f"v_{sink_in(tmp_path).table}"
    run(f"CREATE SCHEMA {name}", "SELECT 1")
    return name


def view(schema: str, *lines: bytes, table: str = "events") -> Postgres:
    """Write events, and create the views on them."""
    sink = Postgres(dsn=Secret(postgres_server().dsn()), table=f"{schema}.{table}")
    deliver(sink, batch_of(lines))
    run(*run_loop(lambda: sink.view_statements(30)), "SELECT 1")
    return sink


def select(schema: str, name: str) -> list[dict[str, Any]]:
    return run(f'SELECT * FROM {schema}."{name}" ORDER BY id')


def test_each_event_name_has_a_view_with_its_properties(schema: str) -> None:
    view(
        schema,
        event(0, event="Order Completed", properties={"orderId": "o1", "revenue": 12.5, "gift": True}),
        event(1, event="Signed Up", properties={"plan": {"name": "pro", "Seats": 3}}),
    )

    [order] = select(schema, "order_completed")
    [sign_up] = select(schema, "signed_up")

    assert (order["id"], order["user_id"], order["event"], order["event_text"]) == (
        "m0",
        "u1",
        "order_completed",
        "Order Completed",
    )
    assert (order["order_id"], float(order["revenue"]), order["gift"]) == ("o1", 12.5, True)
    assert (sign_up["plan_name"], sign_up["plan_seats"]) == ("pro", 3)
    assert "plan_name" not in order


def test_there_is_a_view_of_each_type_also_without_events(schema: str) -> None:
    view(schema, event(0, event="Ordered"))

    counts = {name: run(f"SELECT count(*) FROM {schema}.{name}")[0]["count"] for name in STANDARD}

    assert counts == {**dict.fromkeys(STANDARD, 0), "tracks": 1}


def test_context_is_flattened_with_a_prefix(schema: str) -> None:
    view(schema, event(0, event="Ordered", context={"ip": "192.0.2.1", "app": {"version": "1"}, "list": [1]}))

    [found] = select(schema, "tracks")

    assert (found["context_ip"], found["context_app_version"], found["context_list"]) == (
        "192.0.2.1",
        "1",
        "[1]",
    )


def test_a_column_of_the_event_wins_over_a_property(schema: str) -> None:
    view(schema, event(0, event="Ordered", properties={"userId": "other", "id": 1}))

    [found] = select(schema, "ordered")

    assert (found["id"], found["user_id"]) == ("m0", "u1")


def test_users_have_the_latest_value_of_each_trait(schema: str) -> None:
    view(
        schema,
        event(0, type="identify", traits={"email": "a@example.com", "plan": "free"}, receivedAt=NOW),
        event(1, type="identify", traits={"plan": "pro"}, receivedAt=NOW.replace("00.000", "01.000")),
        event(2, type="identify", traits={"plan": "free"}, userId="u2"),
        event(3, type="identify", traits={"plan": "none"}, userId=None, anonymousId="a"),
    )

    found = [(row["id"], row["email"], row["plan"]) for row in select(schema, "users")]

    assert found == [("u1", "a@example.com", "pro"), ("u2", None, "free")]


def test_a_value_of_another_kind_that_comes_later_is_null(schema: str) -> None:
    sink = view(schema, event(0, event="Ordered", properties={"price": 1}))
    deliver(sink, batch_of([event(1, event="Ordered", properties={"price": "one"})], first=1))

    assert [row["price"] for row in select(schema, "ordered")] == [1, None]


def test_keys_and_names_that_look_the_same_share_a_column_and_a_view(schema: str) -> None:
    view(
        schema,
        event(0, event="Order Made", properties={"orderId": "a"}),
        event(1, event="order_made", properties={"order_id": 1}),
    )

    assert [row["order_id"] for row in select(schema, "order_made")] == ["a", "1"]


@pytest.mark.parametrize("name", ["Users", "events", "tracks"])
def test_an_event_with_the_name_of_another_view_or_table_is_set_apart(schema: str, name: str) -> None:
    view(schema, event(0, event=name))

    assert [row["event_text"] for row in select(schema, f"{name.lower()}_")] == [name]


def test_a_table_with_the_name_of_a_view_keeps_it(schema: str) -> None:
    view(schema, event(0, event="Ordered"), table="tracks")

    assert len(select(schema, "tracks")) == len(select(schema, "tracks_")) == 1


@pytest.mark.parametrize(
    "name", ["It's", "back\\slash'", '"; DROP TABLE events; --', "訂單", "x" * 200, "\x00"]
)
def test_no_name_or_key_breaks_out_of_its_quotes(schema: str, name: str) -> None:
    view(schema, event(0, event=name, properties={name: "value"}))

    [found] = run(f"SELECT count(*) FROM {schema}.tracks")
    views = run(f"SELECT table_name FROM information_schema.views WHERE table_schema = '{schema}'")
    [own] = {row["table_name"] for row in views} - set(STANDARD)
    [row] = select(schema, own)

    assert found == {"count": 1}
    assert "value" in row.values()


def test_views_are_replaced_when_there_are_new_keys(schema: str) -> None:
    sink = view(schema, event(0, event="Ordered", properties={"old": 1}))
    deliver(sink, batch_of([event(1, event="Ordered", properties={"new": 2})], first=1))

    run(*run_loop(lambda: sink.view_statements(30)), "SELECT 1")

    assert [row["new"] for row in select(schema, "ordered")] == [None, 2]


def test_the_database_makes_the_same_names(schema: str) -> None:
    names = ["lk0B@bFmjrLQ_Z6YL", "samPLE text", "CStringRef", "THE5r", "2FA Enabled", "aBcDeF", "•foo"]
    view(schema, *(event(number, event=name) for number, name in enumerate(names)))

    found = {row["event_text"]: row["event"] for row in select(schema, "tracks")}

    assert found == {name: snake(name) for name in names}


def configure(folder: Path, dsn: str, table: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        '[sources.a]\nwrite_keys = ["a"]\n[sinks.nowhere]\nkind = "null"\n'
        f'[sinks.warehouse]\nkind = "postgres"\ndsn = "{dsn}"\ntable = "{table}"\n'
    )
    return file


def test_the_command_prints_what_psql_can_run(schema: str, tmp_path: Path) -> None:
    sink = view(schema, event(0, event="Ordered"))
    file = configure(tmp_path, postgres_server().dsn(), sink.table)

    result = CliRunner().invoke(main, ["sinks", "views", "warehouse", "--days", "7", "--config", str(file)])

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("BEGIN;\nDROP VIEW IF EXISTS")
    assert result.stdout.endswith("COMMIT;\n")
    assert f'CREATE VIEW "{schema}"."ordered" AS\nSELECT' in result.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("warehouse", "gateway: sink warehouse: 42P01"),
        ("nowhere", "gateway: sink nowhere has no table"),
        ("warehous", "did you mean warehouse?"),
    ],
)
def test_the_command_tells_why_it_cannot(name: str, told: str, tmp_path: Path) -> None:
    file = configure(tmp_path, postgres_server().dsn(), "no_such_table")

    result = CliRunner().invoke(main, ["sinks", "views", name, "--config", str(file)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
