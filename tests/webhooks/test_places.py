"""Where an operator says that something stands, and what is found there."""

import json
from typing import Any

import pytest
from msgspec import Raw

from gateway.webhooks.places import Entries, Place, Scope, Value

BODY = {
    "id": 7,
    "amount": 12.50,
    "none": None,
    "empty": "",
    "no": False,
    "customer": {"e-mail": "a@example.org", "tags": ["x", {"deep": "y"}]},
}


def find(place: Any) -> Any:
    body = Value(Raw(json.dumps(BODY).encode()))
    entry = Value(Raw(b'{"id":8}'))
    found = Place.parse(place).find(Scope({b"x-topic": b"caf\xe9", b"x-none": b""}, body, entry))
    return None if found is None else json.loads(bytes(found))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("$", BODY),
        ("$.id", 7),
        ("@.id", 8),
        ("$.no", False),
        ("$.customer.e-mail", "a@example.org"),
        ("$.customer.tags[0]", "x"),
        ("$['customer']['tags'][0]", "x"),
        ("$.customer['e-mail']", "a@example.org"),
        ("$.customer.tags[1].deep", "y"),
        ("header:X-Topic", "café"),
        ("track", "track"),
        ("header", "header"),
        (["$.nowhere", "$.none", "$.empty", "$.id", "$.amount"], 7),
        (["$.nowhere", "else"], "else"),
        ({"a": "$.id", "b": {"c": "@.id"}, "d": "$.nowhere"}, {"a": 7, "b": {"c": 8}}),
    ],
    ids=str,
)
def test_what_stands_there_is_found(place: Any, expected: Any) -> None:
    assert find(place) == expected


@pytest.mark.parametrize(
    "place",
    [
        "$.nowhere.at.all",
        "$.id.x",
        "$.id[0]",
        "$.customer.tags[2]",
        "$.customer.tags.0",
        "$.none",
        "$.empty",
        "header:X-None",
        "header:X-Other",
    ],
)
def test_nothing_is_found_where_nothing_stands(place: str) -> None:
    assert find(place) is None


def test_digits_stay_as_they_were_written() -> None:
    body = Value(Raw(b'{"a":1.50,"b":12345678901234567890}'))

    found = Place.parse({"x": "$.a", "y": "$.b"}).find(Scope({}, body, body))

    assert bytes(found or b"") == b'{"x":1.50,"y":12345678901234567890}'


@pytest.mark.parametrize(
    "place",
    [
        *("", "$x", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "$.a[*]", "$[*].a", "@a", "$['a", "$['a'"),
        *("header:", "header:a b", 1, True, [], ["$.a", 1], {"a": "$x"}),
    ],
    ids=str,
)
def test_what_is_no_place_is_told(place: Any) -> None:
    with pytest.raises(ValueError, match="expected a path such as"):
        Place.parse(place)


@pytest.mark.parametrize(("text", "steps"), [("$[*]", ()), ("$.a.b[*]", ("a", "b")), ("$.a[0][*]", ("a", 0))])
def test_a_list_of_events_may_be_anywhere(text: str, steps: tuple[str | int, ...]) -> None:
    assert Entries.parse(text).steps == steps


@pytest.mark.parametrize("text", ["", "$", "$.a", "@.a[*]", "$.a[*].b", "items[*]", 1])
def test_what_is_no_list_of_events_is_told(text: Any) -> None:
    with pytest.raises(ValueError, match="expected a path to a list"):
        Entries.parse(text)
