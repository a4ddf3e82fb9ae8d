"""The rows that events become."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw

from gateway.errors import Culprit
from gateway.sinks.rows.envelope import ENVELOPE, REQUIRED, Rows
from gateway.sinks.rows.repaired import read_all
from tests.build import event_line
from tests.sinks.batches import batch_of


def row(columns: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """Return the row of an event with the given fields: a value by column."""
    rows = Rows(columns or {})
    values = rows.read(event_line(0, **fields), "0/7")
    return {column.name: value for column, value in zip(rows.columns, values, strict=True)}


def test_every_field_of_an_event_has_a_column() -> None:
    found = row(
        type="track",
        messageId="m1",
        userId="u1",
        anonymousId="a1",
        groupId="g1",
        previousId="p1",
        event="Ordered",
        name="n",
        category="c",
        channel="web",
        timestamp="2026-01-01T12:00:00.123Z",
        receivedAt="2026-01-01T12:00:01.000Z",
        sentAt="2026-01-01T12:00:02.000Z",
        originalTimestamp="2026-01-01T12:00:03.000Z",
        source={"name": "website", "dialect": "segment"},
    )

    assert found == {
        "id": "m1",
        "type": "track",
        "event": "Ordered",
        "name": "n",
        "category": "c",
        "channel": "web",
        "source": "website",
        "dialect": "segment",
        "user_id": "u1",
        "anonymous_id": "a1",
        "group_id": "g1",
        "previous_id": "p1",
        "timestamp": datetime(2026, 1, 1, 12, 0, 0, 123_000, UTC),
        "received_at": datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC),
        "sent_at": datetime(2026, 1, 1, 12, 0, 2, tzinfo=UTC),
        "original_timestamp": datetime(2026, 1, 1, 12, 0, 3, tzinfo=UTC),
        "properties": Raw(b"{}"),
        "traits": Raw(b"{}"),
        "context": Raw(b"{}"),
        "more": Raw(b"{}"),
        "position": "0/7",
    }


def test_what_an_event_need_not_have_is_none() -> None:
    found = row(userId=None)

    assert {name for name, value in found.items() if value is not None} == {*REQUIRED, "event"}


def test_json_is_kept_byte_for_byte() -> None:
    line = event_line(0).replace(b'"properties":{}', b'"properties":{"b":1.10,"a":1e2,"b":"\\u0041"}')

    values = Rows({}).read(line, "0/7")

    assert values[[name for name, _ in ENVELOPE].index("properties")] == Raw(
        b'{"b":1.10,"a":1e2,"b":"\\u0041"}'
    )


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        pytest.param({"integrations": {"All": False}}, b'{"integrations":{"All":false}}', id="integrations"),
        pytest.param({"warnings": [{"code": "x"}]}, b'{"warnings":[{"code":"x"}]}', id="warnings"),
        pytest.param({"extras": {"a": 1}}, b'{"extras":{"a":1}}', id="extras"),
        pytest.param({"native": {"a": 1}}, b'{"native":{"a":1}}', id="native"),
        pytest.param(
            {"source": {"name": "s", "dialect": "d", "siteId": "29", "route": "/v1/track"}},
            b'{"siteId":"29","route":"/v1/track"}',
            id="origin",
        ),
    ],
)
def test_the_rest_of_an_event_is_in_more(fields: dict[str, Any], more: bytes) -> None:
    assert row(**fields)["more"] == Raw(more)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-01-01", "0000-01-01T00:00:00.000Z", "2026-01-01T12:00:00"], ids=str
)
def test_an_unreadable_original_timestamp_is_in_more(text: str) -> None:
    found = row(originalTimestamp=text, sentAt="2026-01-01T12:00:02.000Z")

    assert found["original_timestamp"] is None
    assert found["sent_at"] == datetime(2026, 1, 1, 12, 0, 2, tzinfo=UTC)
    assert found["more"] == Raw(b'{"originalTimestamp":"%b"}' % text.encode())


def test_promoted_columns_follow_the_envelope() -> None:
    found = row({"revenue": "properties.revenue: number"}, properties={"revenue": 12.5})

    assert [*found][len(ENVELOPE) :] == ["revenue"]
    assert found["revenue"] == 12.5


def test_a_line_that_is_no_event_is_a_culprit_and_costs_no_neighbour() -> None:
    batch = batch_of([event_line(0), b"{}", b"nonsense", event_line(3)], partition="2", first=10)

    found = list(read_all(Rows({}), batch))

    assert [isinstance(each, Culprit) for each in found] == [False, True, True, False]
    assert [each[-1] for each in found if not isinstance(each, Culprit)] == ["2/10", "2/13"]
