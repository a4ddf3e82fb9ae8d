"""The views of `gateway sinks views`, run by real engines."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.sinks.rows.names import snake
from tests.build import event_line
from tests.sinks.viewed import ENGINES, Viewed

STANDARD = {"tracks", "identifies", "users", "pages", "screens", "groups", "aliases"}
HOSTILE = (
    "It's",
    "back\\slash'",
    '"; DROP TABLE events; --',
    "`; DROP TABLE tracks; --",
    "/a~1b/$.c[0]",
    "line\nend",
    "訂單",
    "x" * 200,
    "\x00",
)
NOW = "2100-01-01T00:00:00.000Z"  # newer than any number of days


def event(number: int, **fields: Any) -> bytes:
    return event_line(number, **{"receivedAt": NOW, "event": None, **fields})


@pytest.fixture(params=ENGINES)
def viewed(request: pytest.FixtureRequest, tmp_path: Path) -> Viewed:
    return ENGINES[request.param](tmp_path)


def test_each_event_name_has_a_view_with_its_properties(viewed: Viewed) -> None:
    viewed.write(
        event(0, event="Order Completed", properties={"orderId": "o1", "revenue": 12.5, "gift": True}),
        event(1, event="Signed Up", properties={"plan": {"name": "pro", "Seats": 3}}),
    )

    [order] = viewed.select("order_completed")
    [sign_up] = viewed.select("signed_up")

    assert (order["id"], order["user_id"], order["event"], order["event_text"]) == (
        "m0",
        "u1",
        "order_completed",
        "Order Completed",
    )
    assert (order["order_id"], float(order["revenue"]), order["gift"]) == ("o1", 12.5, True)
    assert (sign_up["plan_name"], sign_up["plan_seats"]) == ("pro", 3)
    assert "plan_name" not in order


def test_there_is_a_view_of_each_type_also_without_events(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered"))

    assert {name: len(viewed.select(name)) for name in STANDARD} == {
        **dict.fromkeys(STANDARD, 0),
        "tracks": 1,
    }


def test_context_is_flattened_with_a_prefix(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered", context={"ip": "192.0.2.1", "app": {"version": "1"}, "list": [1]}))

    [found] = viewed.select("tracks")

    assert (found["context_ip"], found["context_app_version"], found["context_list"]) == (
        "192.0.2.1",
        "1",
        "[1]",
    )


def test_keys_below_the_fifth_level_are_a_text(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered", properties={"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}))

    [found] = viewed.select("ordered")

    assert found["a_b_c_d_e"].replace(" ", "") == '{"f":1}'


def test_a_column_of_the_event_wins_over_a_property(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered", properties={"userId": "other", "id": 1, "type": "t"}))

    [found] = viewed.select("ordered")

    assert (found["id"], found["user_id"], found["type"]) == ("m0", "u1", "t")


def test_users_have_the_latest_value_of_each_trait(viewed: Viewed) -> None:
    viewed.write(
        event(0, type="identify", traits={"email": "a@example.com", "plan": "free"}, receivedAt=NOW),
        event(1, type="identify", traits={"plan": "pro"}, receivedAt=NOW.replace("00.000", "01.000")),
        event(2, type="identify", traits={"plan": "free", "userId": "other"}, userId="u2"),
        event(3, type="identify", traits={"plan": "none"}, userId=None, anonymousId="a"),
    )

    found = [(row["id"], row["email"], row["plan"]) for row in viewed.select("users")]

    assert found == [("u1", "a@example.com", "pro"), ("u2", None, "free")]


def test_a_value_of_another_kind_that_comes_later_is_null(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered", properties={"price": 1, "gift": True}))
    views = viewed.select("ordered")
    viewed.append(event(1, event="Ordered", properties={"price": "2", "gift": "true"}))

    found = [(row["price"], row["gift"]) for row in viewed.select("ordered")]

    assert len(views) == 1
    assert found == [(1, True), (None, None)]


def test_null_and_what_is_missing_are_null(viewed: Viewed) -> None:
    viewed.write(
        event(0, event="Ordered", properties={"a": None, "b": 1, "c": False, "d": "x"}),
        event(1, event="Ordered", properties={"a": "x", "b": None, "c": None, "d": None}),
        event(2, event="Ordered"),
    )

    found = [[row[key] for key in "abcd"] for row in viewed.select("ordered")]

    assert found == [[None, 1, False, "x"], ["x", None, None, None], [None] * 4]


def test_keys_and_names_that_look_the_same_share_a_column_and_a_view(viewed: Viewed) -> None:
    viewed.write(
        event(0, event="Order Made", properties={"orderId": "a"}),
        event(1, event="order_made", properties={"order_id": 1}),
    )

    assert [row["order_id"] for row in viewed.select("order_made")] == ["a", "1"]


def test_an_event_with_the_name_of_another_view_or_table_is_set_apart(viewed: Viewed) -> None:
    names = ["Users", "events", "tracks"]
    viewed.write(*(event(number, event=name) for number, name in enumerate(names)))

    found = [[row["event_text"] for row in viewed.select(f"{name.lower()}_")] for name in names]

    assert found == [["Users"], ["events"], ["tracks"]]


def test_a_table_with_the_name_of_a_view_keeps_it(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered"), table="tracks")

    assert len(viewed.select("tracks")) == len(viewed.select("tracks_")) == 1


def test_no_name_or_key_breaks_out_of_its_quotes(viewed: Viewed) -> None:
    viewed.write(
        *(event(n, event=name, properties={name: f"value of m{n}"}) for n, name in enumerate(HOSTILE))
    )

    rows = [row for name in viewed.names() - STANDARD for row in viewed.select(name)]

    assert sorted(row["id"] for row in rows) == [f"m{n}" for n in range(len(HOSTILE))]
    assert [row["id"] for row in rows if f"value of {row['id']}" not in row.values()] == []


def test_each_of_very_many_long_keys_has_a_column(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered", properties={f"{'x' * 300}{n}": n for n in range(200)}))

    [found] = viewed.select("ordered")

    assert set(found.values()) > set(range(200))


def test_views_are_replaced_when_there_are_new_keys(viewed: Viewed) -> None:
    viewed.write(event(0, event="Ordered", properties={"old": 1}))

    viewed.write(event(1, event="Ordered", properties={"new": 2}))

    assert [row["new"] for row in viewed.select("ordered")] == [None, 2]


def test_the_database_makes_the_same_names(viewed: Viewed) -> None:
    names = ["lk0B@bFmjrLQ_Z6YL", "samPLE text", "CStringRef", "THE5r", "2FA Enabled", "aBcDeF", "•foo"]
    viewed.write(*(event(number, event=name) for number, name in enumerate(names)))

    found = {row["event_text"]: row["event"] for row in viewed.select("tracks")}

    assert found == {name: snake(name) for name in names}


def configure(folder: Path, sink: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(
        f'[sources.a]\nwrite_keys = ["a"]\n[sinks.nowhere]\nkind = "null"\n[sinks.warehouse]\n{sink}'
    )
    return file


def test_the_database_can_run_what_the_command_prints(viewed: Viewed, tmp_path: Path) -> None:
    viewed.append(event(0, event="Ordered"))
    file = configure(tmp_path, viewed.configuration)

    result = CliRunner().invoke(main, ["sinks", "views", "warehouse", "--days", "7", "--config", str(file)])
    viewed.run(result.stdout.split(";\n")[:-1])

    assert (result.exit_code, result.stderr) == (0, "")
    assert viewed.names() == {*STANDARD, "ordered"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("warehouse", "gateway: sink warehouse: "),
        ("nowhere", "gateway: sink nowhere has no table in a database"),
        ("warehous", "did you mean warehouse?"),
    ],
)
def test_the_command_tells_why_it_cannot(viewed: Viewed, name: str, told: str, tmp_path: Path) -> None:
    file = configure(tmp_path, viewed.configuration)  # whose table does not exist

    result = CliRunner().invoke(main, ["sinks", "views", name, "--config", str(file)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
