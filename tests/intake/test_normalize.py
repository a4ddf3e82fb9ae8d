"""From what a client claims to what we keep."""

import json
import re
from typing import Any

import pytest

from tests.build import Door, track

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PARTS = ["properties", "traits", "context", "integrations"]


def test_a_small_event_becomes_a_complete_one() -> None:
    door = Door()

    door.post("/v1/track", {"userId": "u1", "event": "Ordered", "messageId": "m1"})

    received = door.event["receivedAt"]
    assert door.event == {
        "type": "track",
        "messageId": "m1",
        "userId": "u1",
        "event": "Ordered",
        "properties": {},
        "traits": {},
        "context": {},
        "integrations": {},
        "timestamp": received,
        "receivedAt": received,
        "source": {"name": "default", "dialect": "segment", "route": "/v1/track"},
    }


@pytest.mark.parametrize("given", [{}, {"messageId": ""}, {"messageId": None}], ids=["none", "empty", "null"])
def test_an_event_without_a_name_gets_one(given: dict[str, Any]) -> None:
    door = Door()

    door.post("/v1/batch", {"batch": [track(**given), track(**given)]})

    names = [event["messageId"] for event in door.events]
    assert all(map(UUID7.fullmatch, names))
    assert len(set(names)) == 2


@pytest.mark.parametrize("length", [1, 100])
def test_a_name_of_the_clients_is_kept(length: int) -> None:
    door = Door()

    door.post("/v1/track", track(messageId="é" * length))

    assert door.event["messageId"] == "é" * length


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("nothing", [[], None, {}], ids=["array", "null", "object"])
def test_an_empty_array_is_an_empty_object(part: str, nothing: Any) -> None:
    door = Door()

    answer = door.post("/v1/track", track(**{part: nothing}))

    assert (answer.status, door.event[part]) == (200, {})


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", ["x", 1, True, [1], "{}"], ids=repr)
def test_parts_that_must_be_objects_are(part: str, value: Any) -> None:
    door = Door()

    answer = door.post("/v1/track", track(**{part: value}))

    assert (answer.status, answer.json["code"], door.events) == (400, "invalid_field", [])
    assert answer.json["Details"].startswith(f"$.{part}")


@pytest.mark.parametrize("part", PARTS)
def test_what_is_not_interpreted_passes_byte_for_byte(part: str) -> None:
    door = Door()
    value = (
        '{"z":1.50,"a":1e5,"10":-0.0,"big":123456789012345678901234567890,"text":"\\u00e9\\/é",'
        '"__proto__":{},"nul":"\\u0000","deep":[[{"x":[]}]],"":null}'
    )

    door.post("/v1/track", f'{{"userId":"u","event":"E","{part}":{value}}}'.encode())

    assert f'"{part}":{value}'.encode() in door.journal.lines[0]


def test_a_number_of_400_digits_passes() -> None:
    door = Door()
    digits = b"9" * 400

    answer = door.post("/v1/track", b'{"userId":"u","event":"E","properties":{"n":%b,"x":1e400}}' % digits)

    assert answer.status == 200
    assert b'"properties":{"n":%b,"x":1e400}' % digits in door.journal.lines[0]


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"], ids=repr)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_white_space_goes(path: str, indent: Any) -> None:
    door, compact = Door(), Door()
    event = track(messageId="m1", properties={"a": [1, {"b": "c d\n"}]}, timestamp="2026-01-01T00:00:00Z")
    body = {"batch": [event]} if path == "/v1/batch" else event

    door.post(path, json.dumps(body, indent=indent).replace("}", " \r\n}").encode())
    compact.post(path, body)

    [line], [expected] = door.journal.lines, compact.journal.lines
    assert line.partition(b'"receivedAt"')[0] == expected.partition(b'"receivedAt"')[0]


def test_an_event_name_may_have_its_name_of_the_documents_tables() -> None:
    door = Door()

    door.post("/v1/track", {"userId": "u", "eventName": "E"})
    door.post("/v1/track", {"userId": "u", "eventName": "E", "event": "F"})

    assert [event["event"] for event in door.events] == ["E", "F"]
    assert not any("eventName" in event or "extras" in event for event in door.events)


def test_all_fields_of_the_spec_are_kept() -> None:
    door = Door()
    fields = {
        "anonymousId": "a",
        "groupId": "g",
        "previousId": "p",
        "name": "n",
        "category": "c",
        "channel": "server",
        "traits": {"plan": "x"},
        "integrations": {"All": False},
    }

    door.post("/v1/track", track(**fields))

    assert door.event.items() >= fields.items()


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "track", "userId": "u"}, "missing_event"),
        ({"type": "track", "userId": "u", "event": ""}, "missing_event"),
        ({"type": "track", "userId": "u", "event": None}, "missing_event"),
        ({"type": "track", "userId": "u", "event": 7}, "invalid_field"),
        ({"type": "track", "event": "E"}, "missing_id"),
        ({"type": "identify", "userId": "", "anonymousId": None}, "missing_id"),
        ({"type": "group", "userId": "u"}, "missing_group_id"),
        ({"type": "group", "groupId": "g"}, "missing_id"),
        ({"type": "alias", "userId": "u"}, "missing_previous_id"),
        ({"type": "alias", "previousId": "p"}, "missing_id"),
        ({"type": "page"}, "missing_id"),
        ({"userId": "u"}, "missing_type"),
        ({"type": "Track", "userId": "u", "event": "E"}, "unknown_type"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_an_event_that_breaks_a_rule_is_refused(event: dict[str, Any], code: str) -> None:
    door = Door()

    answer = door.post("/v1/batch", {"batch": [event]})

    assert (answer.status, answer.json["code"], door.events) == (400, code, [])


@pytest.mark.parametrize(
    "event",
    [
        {"type": "identify", "anonymousId": "a"},
        {"type": "page", "userId": "u"},
        {"type": "screen", "anonymousId": 0},
        {"type": "group", "groupId": 7, "anonymousId": "a"},
        {"type": "alias", "previousId": "p", "userId": "u"},
        {"type": "track", "userId": 0, "event": "0"},
    ],
    ids=lambda event: event["type"],
)
def test_an_event_that_breaks_none_is_taken(event: dict[str, Any]) -> None:
    answer = Door().post("/v1/batch", {"batch": [event]})

    assert answer.status == 200
