"""What of an event is in its row, down to the nastiest values."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.build import event_line
from tests.sinks.batches import batch_of, deliver
from tests.sinks.postgres_tables import run, sink_in

NASTY = {  # as clients send it, and as jsonb shows it
    "nul": (r'"a\u0000b"', '"a\ufffdb"'),
    "escaped nul": (r'"\\u0000"', r'"\\u0000"'),
    "nul in a key": (r'{"\u0000":1}', '{"\ufffd": 1}'),
    "lone surrogate": (r'"\ud800"', '"\ufffd"'),
    "surrogate pair": (r'"\ud83d\ude00"', '"\U0001f600"'),
    "400 digits": ("1" * 400, "1" * 400),
    "400 decimals": ("0." + "1" * 400, "0." + "1" * 400),
    "large exponent": ("1e400", "1" + "0" * 400),
    "small exponent": ("1e-400", "0." + "0" * 399 + "1"),
    "trailing zero": ("1.10", "1.10"),
    "deep": ("[" * 500 + "]" * 500, "[" * 500 + "]" * 500),
    "duplicate keys": ('{"a":1,"a":2}', '{"a": 2}'),
    "empty key": ('{"":null}', '{"": null}'),
    "long text": (f'"{"x" * 15_000}"', f'"{"x" * 15_000}"'),
    "separators": ('"\u2028\x7f\x85"', '"\u2028\x7f\x85"'),
    "escapes": (r'"\"\\\/\b\f\n\r\t"', r'"\"\\/\b\f\n\r\t"'),
}


def with_property(number: int, value: str) -> bytes:
    return event_line(number).replace(b'"properties":{}', b'"properties":{"v":%b}' % value.encode())


def row(folder: Path, line: bytes, columns: dict[str, str] | None = None) -> dict[str, Any]:
    """Write an event, and return its row."""
    sink = sink_in(folder, columns=columns or {})
    deliver(sink, batch_of([line]))
    [found] = run(f"SELECT * FROM {sink.table}")
    return found


def test_a_row_has_every_field_of_its_event(tmp_path: Path) -> None:
    line = event_line(
        messageId="m1",
        anonymousId="a1",
        groupId="g1",
        previousId="p1",
        name="n",
        category="c",
        channel="web",
        context={"ip": "192.0.2.1"},
        sentAt="2026-01-01T12:00:02.345Z",
        originalTimestamp="long ago",
    )

    found = row(tmp_path, line)

    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    loaded_at = found.pop("loaded_at")
    assert {**found, "context": json.loads(found["context"]), "more": json.loads(found["more"])} == {
        "id": "m1",
        "type": "track",
        "event": "Ordered",
        "name": "n",
        "category": "c",
        "channel": "web",
        "source": "default",
        "dialect": "segment",
        "user_id": "u1",
        "anonymous_id": "a1",
        "group_id": "g1",
        "previous_id": "p1",
        "timestamp": noon,
        "received_at": noon,
        "sent_at": datetime(2026, 1, 1, 12, 0, 2, 345_000, UTC),
        "original_timestamp": None,
        "properties": "{}",
        "traits": "{}",
        "context": {"ip": "192.0.2.1"},
        "more": {"originalTimestamp": "long ago"},
        "position": "0/0",
    }
    assert (datetime.now(UTC) - loaded_at).total_seconds() < 60


@pytest.mark.parametrize(
    ("description", "value", "expected"),
    [
        ("properties.v: text", '"a"', "a"),
        ("properties.v: integer", '"12"', 12),
        ("properties.v: number", '"12.50"', 12.5),
        ("properties.v: boolean", '"yes"', True),
        ("properties.v: timestamp", '"2026-01-01"', datetime(2026, 1, 1, tzinfo=UTC)),
        ("properties.v: json", "[1.10]", "[1.10]"),
        ("properties.v: number", '"twelve"', None),
        ("properties.v: integer", "1" * 400, None),
        ("properties.v: text", r'"a\u0000"', "a\ufffd"),
    ],
)
def test_a_promoted_column_has_the_converted_value(
    tmp_path: Path, description: str, value: str, expected: Any
) -> None:
    found = row(tmp_path, with_property(0, value), {"promoted": description})

    assert found["promoted"] == expected
    assert "v" in json.loads(found["properties"])


@pytest.mark.parametrize(("sent", "shown"), NASTY.values(), ids=NASTY)
def test_a_nasty_value_is_stored(tmp_path: Path, sent: str, shown: str) -> None:
    found = row(tmp_path, with_property(0, sent))

    assert found["properties"] == f'{{"v": {shown}}}'


def test_a_text_with_nul_is_stored_with_a_replacement(tmp_path: Path) -> None:
    found = row(tmp_path, event_line(event="a\x00b", userId="\x00", messageId="\x00\x00"))

    assert (found["event"], found["user_id"], found["id"]) == ("a\ufffdb", "\ufffd", "\ufffd\ufffd")


def test_ten_thousand_nasty_events_are_all_stored(tmp_path: Path) -> None:
    chance = random.Random(1)
    values = [sent for sent, _ in NASTY.values()]
    sink = sink_in(tmp_path, columns={"v": "properties.v: number", "w": "properties.v: text"})
    lines = [with_property(number, chance.choice(values)) for number in range(10_000)]

    deliver(sink, batch_of(lines))

    [count] = run(f"SELECT count(DISTINCT id), sum((properties ? 'v')::int) AS v FROM {sink.table}")
    assert count == {"count": 10_000, "v": 10_000}
