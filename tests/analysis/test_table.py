"""The table `events`: what SQL finds in a journal, and how little of it is read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pyarrow import dataset

from gateway.analysis.columns import COLUMNS, SCHEMA
from gateway.analysis.database import opened
from gateway.analysis.table import Events, times
from gateway.raw import timestamps
from tests.analysis.asking import HOUR_MS, ask, keep_at
from tests.build import event_line, event_lines, keep, open_log
from tests.journal.breaking import flip

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_every_event_of_every_partition_is_found(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 3), event_lines(3, 5))
    keep(tmp_path / "1", event_lines(5, 7))

    assert ask(tmp_path, "SELECT id, position FROM events ORDER BY id") == [
        *((f"m{number}", f"0/{number}") for number in range(5)),
        ("m5", "1/0"),
        ("m6", "1/1"),
    ]


def test_a_row_is_the_event(tmp_path: Path) -> None:
    line = event_line(
        groupId="g", name="n", sentAt="2026-01-01T11:00:00.500Z", source={"name": "shop", "dialect": "pixel"}
    ).replace(b'"properties":{}', b'"properties":{"b":1.10,"a":1e2,"\\u00e9":[1,2]}')
    keep(tmp_path / "0", [line])

    [row] = ask(tmp_path, "SELECT * FROM events")

    found = dict(zip(SCHEMA.names, row, strict=True))
    assert {name: value for name, value in found.items() if value is not None} == {
        "id": "m0",
        "type": "track",
        "event": "Ordered",
        "name": "n",
        "source": "shop",
        "dialect": "pixel",
        "user_id": "u1",
        "group_id": "g",
        "timestamp": NOON,
        "received_at": NOON,
        "sent_at": datetime(2026, 1, 1, 11, 0, 0, 500_000, UTC),
        "properties": '{"b":1.10,"a":1e2,"\\u00e9":[1,2]}',
        "traits": "{}",
        "context": "{}",
        "more": "{}",
        "position": "0/0",
        "canonical": line.decode(),
    }


def test_more_has_what_no_other_column_has(tmp_path: Path) -> None:
    route = {"name": "default", "dialect": "segment", "siteId": "7", "route": "/v1/track"}
    keep(tmp_path / "0", [event_line(integrations={"All": False}, extras={"a": 1}, source=route)])

    [(more,)] = ask(tmp_path, "SELECT more FROM events")

    assert msgspec.json.decode(more) == {
        "integrations": {"All": False},
        "extras": {"a": 1},
        "siteId": "7",
        "route": "/v1/track",
    }


def test_json_has_its_type(tmp_path: Path) -> None:
    keep(tmp_path / "0", [event_line(properties={"revenue": 12.5, "items": [{"sku": "a"}]})])

    sql = (
        "SELECT (properties->>'revenue')::DOUBLE, properties.items[0].sku->>'$', typeof(context) FROM events"
    )
    assert ask(tmp_path, sql) == [(12.5, "a", "JSON")]


@pytest.mark.parametrize("column", [column.name for column in COLUMNS])
def test_a_column_alone_is_what_it_is_among_all(tmp_path: Path, column: str) -> None:
    keep(tmp_path / "0", [event_line(0, name="é"), event_line(1, extras={"a": 1}, event="\ud83d\ude00")])

    alone = ask(tmp_path, f"SELECT {column} FROM events")

    place = SCHEMA.names.index(column)
    assert alone == [(row[place],) for row in ask(tmp_path, "SELECT * FROM events")]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        pytest.param("source = 'shop'", ["m0"], id="source"),
        pytest.param("source IN ('shop', 'web') AND event LIKE 'O%'", ["m0", "m1"], id="several"),
        pytest.param("user_id IS NULL", ["m2"], id="null"),
        pytest.param("received_at > '2026-01-01' OR id = 'm2'", ["m0", "m1", "m2"], id="or"),
        pytest.param("received_at = '2026-01-01 12:00:00+00'", ["m0", "m1", "m2"], id="equal"),
        pytest.param("received_at::DATE = '2026-01-02'", [], id="day"),
    ],
)
def test_conditions_are_met_by_columns_that_are_not_selected(
    tmp_path: Path, condition: str, found: list[str]
) -> None:
    lines = [
        event_line(0, source={"name": "shop", "dialect": "segment"}),
        event_line(1, source={"name": "web", "dialect": "segment"}),
        event_line(2, userId=None),
    ]
    at = timestamps.read("2026-01-01T12:00:00Z")
    keep_at(tmp_path / "0", [at, at, at], lines)

    assert ask(tmp_path, f"SELECT id FROM events WHERE {condition}") == [(id,) for id in found]


DAY = "2026-09-21"
AT = timestamps.read(f"{DAY}T00:00:00Z")


@pytest.mark.parametrize(
    ("condition", "since", "until"),
    [
        pytest.param(f"received_at >= '{DAY}'", AT, None, id="since"),
        pytest.param(f"received_at < '{DAY}'", None, AT, id="until"),
        pytest.param(f"received_at BETWEEN '{DAY}' AND '{DAY} 01:00:00'", AT, AT + HOUR_MS + 1, id="between"),
        pytest.param(f"received_at >= '{DAY}' AND type = 'page' AND source <> 'x'", AT, None, id="besides"),
        pytest.param(f"received_at >= '{DAY}' OR type = 'page'", None, None, id="or"),
        pytest.param("type = 'page'", None, None, id="without a time"),
    ],
)
def test_the_time_that_a_condition_admits_is_known(
    tmp_path: Path, condition: str, since: int | None, until: int | None
) -> None:
    seen: list[dataset.Expression] = []

    class Watched(Events):
        def scanner(self, columns: Any = None, filter: Any = None, **_: Any) -> dataset.Scanner:
            seen.append(filter)
            return super().scanner(columns, filter)

    keep(tmp_path / "0", event_lines(0, 1))

    with opened(Watched(open_log(tmp_path), print)) as connection:
        connection.sql(f"SELECT id FROM events WHERE {condition}").fetchall()

    assert times(seen[0]) == (
        None if since is None else since - HOUR_MS,
        None if until is None else until + HOUR_MS,
    )


def test_what_was_committed_at_other_times_is_not_read(tmp_path: Path) -> None:
    hours = [AT + hour * HOUR_MS for hour in range(0, 48, 4)]
    lines = [event_line(number, receivedAt=timestamps.write(at)) for number, at in enumerate(hours)]
    keep_at(tmp_path / "0", hours, lines)
    [file] = (tmp_path / "0").iterdir()
    flip(file, b'"m9"')
    reports: list[str] = []

    found = ask(tmp_path, f"SELECT id FROM events WHERE received_at <= '{DAY} 08:00'", reports.append)

    assert (found, reports) == ([("m0",), ("m1",), ("m2",)], [])


def test_damaged_events_are_reported_and_left_out(tmp_path: Path) -> None:
    file = keep(tmp_path / "0", event_lines(0, 2), event_lines(2, 5), event_lines(5, 6))
    flip(file, b"m3")
    reports: list[str] = []

    found = ask(tmp_path, "SELECT id FROM events", reports.append)

    assert found == [("m0",), ("m1",), ("m5",)]
    assert reports == ["damaged, and left out: 0/2 to 0/4"]


@pytest.mark.parametrize(
    "line", [b'{"not":"\xff"}', b"", b'{"type":"track"}', b"[]"], ids=["not UTF-8", "empty", "bare", "list"]
)
def test_a_line_that_is_not_an_event_costs_no_neighbour(tmp_path: Path, line: bytes) -> None:
    keep(tmp_path / "0", [event_line(0), line, event_line(2)])
    reports: list[str] = []

    found = ask(tmp_path, "SELECT id, position, canonical FROM events", reports.append)

    assert [(id, position) for id, position, _ in found] == [("m0", "0/0"), ("m2", "0/2")]
    assert [canonical.encode() for *_, canonical in found] == [event_line(0), event_line(2)]
    assert [report.partition(": 0/1")[0] for report in reports] == ["not an event, and left out"]


def test_a_table_is_read_as_often_as_a_statement_names_it(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 100))

    assert ask(tmp_path, "SELECT count(*) FROM events a JOIN events b USING (id)") == [(100,)]


def test_events_that_are_appended_are_in_the_next_answer(tmp_path: Path) -> None:
    keep(tmp_path / "0", event_lines(0, 1))

    with opened(Events(open_log(tmp_path), print)) as connection:
        before = connection.sql("SELECT count(*) FROM events").fetchall()
        keep(tmp_path / "0", event_lines(1, 3))
        after = connection.sql("SELECT count(*) FROM events").fetchall()

    assert (before, after) == ([(1,)], [(3,)])
