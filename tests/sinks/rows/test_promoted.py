"""Promoted columns: their descriptions, and what a value becomes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw

from gateway.sinks.rows.envelope import ENVELOPE, Rows
from gateway.sinks.rows.promoted import mistakes
from tests.build import event_line


def read(description: str, line: bytes) -> Any:
    """Return the value of one column."""
    return Rows({"value": description}).read(line, "0/0")[len(ENVELOPE)]


def convert(type: str, json: str) -> Any:
    line = event_line(0).replace(b'"properties":{}', b'"properties":{"v":%b}' % json.encode())
    return read(f"properties.v: {type}", line)


@pytest.mark.parametrize(
    ("type", "json", "value"),
    [
        ("text", '"a"', "a"),
        ("text", '""', ""),
        ("text", "1.10", "1.10"),
        ("text", "1e400", "1e400"),
        ("text", "true", "true"),
        ("integer", "12", 12),
        ("integer", "12.0", 12),
        ("integer", '" 12 "', 12),
        ("integer", '"12.0"', 12),
        ("integer", "-9223372036854775808", -(2**63)),
        ("number", "12", 12.0),
        ("number", "12.5", 12.5),
        ("number", '"12.50"', 12.5),
        ("number", '"-.5e1"', -5.0),
        ("boolean", "true", True),
        ("boolean", '"no"', False),
        ("boolean", "1", True),
        ("timestamp", '"2026-01-01T13:00:00.5+01:00"', datetime(2026, 1, 1, 12, 0, 0, 500_000, UTC)),
        ("timestamp", "1767268800000", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("json", '{"a":1.10}', Raw(b'{"a":1.10}')),
        ("json", '"a"', Raw(b'"a"')),
    ],
)
def test_a_value_is_converted(type: str, json: str, value: Any) -> None:
    found = convert(type, json)

    assert found == value
    assert found.__class__ is value.__class__


@pytest.mark.parametrize(
    ("type", "json"),
    [
        *((type, "null") for type in ("text", "integer", "number", "boolean", "timestamp", "json")),
        ("text", "{}"),
        ("text", "[1]"),
        ("integer", "12.5"),
        ("integer", "true"),
        ("integer", "9223372036854775808"),
        ("integer", '"1_000"'),
        ("integer", f'"{"1" * 5000}"'),
        ("number", '"12,50"'),
        ("number", '"nan"'),
        ("number", '"1e400"'),
        ("number", "1e400"),
        ("number", "1" * 400),
        ("number", "[]"),
        ("boolean", '"perhaps"'),
        ("boolean", "2"),
        ("timestamp", '"yesterday"'),
        ("timestamp", "true"),
        ("timestamp", "12"),
    ],
    ids=lambda value: value[:12],
)
def test_a_value_that_does_not_convert_is_none(type: str, json: str) -> None:
    assert convert(type, json) is None


def test_values_are_found_at_any_depth_also_below_each_other() -> None:
    columns = {
        "app": "context.app: json",
        "version": "context.app.version: text",
        "extra": "extras.a: integer",
        "missing": "native.a.b: text",
    }
    line = event_line(0, context={"app": {"name": "x", "version": "1"}}, extras={"a": 1})

    found = Rows(columns).read(line, "0/0")[len(ENVELOPE) :]

    assert found == (Raw(b'{"name":"x","version":"1"}'), "1", 1, None)


@pytest.mark.parametrize("value", ["text", [1], None, 1], ids=str)
def test_a_path_through_something_else_than_an_object_finds_nothing(value: Any) -> None:
    assert read("properties.a.b: text", event_line(0, properties={"a": value})) is None


def test_a_valid_description_has_no_mistakes() -> None:
    assert list(mistakes({"revenue_2": " properties.$revenue : number "}, {"id"})) == []


@pytest.mark.parametrize(
    ("name", "description", "text"),
    [
        ("Revenue", "properties.a: text", "a column's name"),
        ("a" * 64, "properties.a: text", "a column's name"),
        ("id", "properties.a: text", "of its own"),
        ("a", "properties.a", "one of the types"),
        ("a", "properties.a: money", "one of the types"),
        ("a", "a: text", "a path"),
        ("a", "properties: json", "a path"),
        ("a", "properties..a: json", "a path"),
        ("a", "nothing.a: text", "a path"),
        ("a", 'properties."a": text', "quotation mark"),
    ],
)
def test_a_mistake_is_reported(name: str, description: str, text: str) -> None:
    [found] = mistakes({name: description}, {"id"})

    assert found.startswith(f"{name}: ")
    assert text in found
