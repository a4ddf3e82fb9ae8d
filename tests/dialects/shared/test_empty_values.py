"""What untyped languages write for what is not there, and what becomes of other spellings then."""

import json
from typing import Any

import pytest

from tests.build import Door, track

TEXTS = ("userId", "groupId", "previousId", "messageId", "name", "category", "channel", "eventName")
OBJECTS = ("properties", "traits", "context")


def warning(field: str, value: Any) -> dict[str, str]:
    return {"code": "empty_value", "field": field, "detail": json.dumps(value)}


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/v1/webhook"])
@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("value", [False, [], {}, "", None], ids=repr)
def test_an_empty_value_for_a_text_counts_as_left_out(path: str, field: str, value: Any) -> None:
    door = Door()
    event = {"type": "track", "anonymousId": "a1", "event": "E", field: value}

    answer = door.post(path, [event] if path == "/v1/batch" else event)

    assert answer.status == 200
    assert field == "messageId" or field not in door.event
    assert door.event.get("warnings", []) == ([warning(field, value)] if value not in ("", None) else [])


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize("field", OBJECTS)
@pytest.mark.parametrize("value", [False, [], {}, "", None], ids=repr)
def test_an_empty_value_for_an_object_counts_as_left_out(path: str, field: str, value: Any) -> None:
    door = Door()
    event = track(**{field: value})

    answer = door.post(path, [event] if path == "/v1/batch" else event)

    assert (answer.status, door.event[field]) == (200, {})
    assert door.event.get("warnings", []) == ([warning(field, value)] if value in (False, "") else [])


@pytest.mark.parametrize("value", [False, "", None, [], {}], ids=repr)
def test_an_event_without_a_context_has_that_of_its_batch(value: Any) -> None:
    door = Door()

    door.post("/v1/batch", {"batch": [track(context=value)], "context": {"locale": "fr"}})

    assert door.event["context"] == {"locale": "fr"}
    assert door.event.get("warnings", []) == ([warning("context", value)] if value in (False, "") else [])


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"userId": False, "event": "E"}, "missing_id"),
        ({"userId": [], "anonymousId": {}, "event": "E"}, "missing_id"),
        ({"userId": "u", "event": {}}, "missing_event"),
        ({"userId": "u", "event": False, "eventName": ""}, "missing_event"),
        ({"userId": True, "event": "E"}, "invalid_field"),
        ({"userId": [1], "event": "E"}, "invalid_field"),
        ({"userId": "u", "event": "E", "traits": True}, "invalid_field"),
        ({"userId": "u", "event": "E", "properties": 0}, "invalid_field"),
    ],
)
def test_what_is_left_out_may_be_missing_and_what_is_not_empty_may_be_wrong(
    event: dict[str, Any], code: str
) -> None:
    door = Door()

    answer = door.post("/v1/track", event)

    assert (answer.status, answer.json["code"], door.events) == (400, code, [])


@pytest.mark.parametrize("value", [False, [], {}, "", None], ids=repr)
def test_an_empty_key_gives_way_to_the_next_place(value: Any) -> None:
    answers = [
        Door().post("/v1/track", track(writeKey=value)),
        Door().post("/v1/batch", {"batch": [track()], "writeKey": value}),
    ]

    assert [answer.status for answer in answers] == [200, 200]


def test_zero_is_an_id() -> None:
    door = Door()

    door.post("/v1/track", track(userId=0))

    assert (door.event["userId"], "warnings" in door.event) == ("0", False)


@pytest.mark.parametrize(
    ("fields", "user", "extras"),
    [
        ({"userId": "a", "userID": None}, "a", None),
        ({"userID": None, "userId": "a"}, "a", None),
        ({"userId": "a", "userID": ""}, "a", None),
        ({"userId": "a", "userID": False}, "a", None),
        ({"userId": "a", "userID": "a"}, "a", None),
        ({"userId": "a", "userID": "b"}, "a", {"userID": "b"}),
        ({"userID": "b", "userId": "a"}, "a", {"userID": "b"}),
        ({"userId": "", "userID": "b"}, "b", None),
        ({"userID": "b", "userId": None}, "b", None),
        ({"userId": {}, "userID": 7}, "7", None),
        ({"userId": "a", "userID": [1]}, "a", None),
    ],
    ids=lambda fields: json.dumps(fields) if isinstance(fields, dict) else None,
)
def test_the_exact_spelling_wins_unless_it_is_empty(
    fields: dict[str, Any], user: str, extras: dict[str, str] | None
) -> None:
    door = Door()

    answer = door.post("/v1/track", {"event": "E", **fields})

    assert (answer.status, door.event["userId"], door.event.get("extras")) == (200, user, extras)


@pytest.mark.parametrize(
    "fields",
    [
        {"writeKey": "dev", "writekey": "", "write_key": None},
        {"write_key": "other", "writeKey": "dev"},
        {"writeKey": "", "write-key": "dev"},
        {"writekey": None, "write_key": "dev"},
    ],
    ids=json.dumps,
)
def test_the_exact_spelling_of_a_key_wins_unless_it_is_empty(fields: dict[str, Any]) -> None:
    door = Door()

    answer = door.post("/v1/track", track(**fields), X_Write_Key="")

    assert (answer.status, "extras" in door.event) == (200, False)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"event": "A", "eventName": "B"}, "A"),
        ({"event": "A", "eventName": {}}, "A"),
        ({"event": "", "eventName": "B"}, "B"),
        ({"event": False, "eventName": "B"}, "B"),
    ],
    ids=json.dumps,
)
def test_an_event_has_the_name_that_says_something(fields: dict[str, Any], name: str) -> None:
    door = Door()

    door.post("/v1/track", {"userId": "u", **fields})

    assert door.event["event"] == name


@pytest.mark.parametrize(
    ("body", "users"),
    [
        ({"batch": {"0": track(userId="a"), "2": track(userId="b")}}, ["a", "b"]),
        ({"0": track(userId="a"), "2": track(userId="b")}, ["a", "b"]),
        ({"batch": {"7": track(userId="a")}, "context": {"x": 1}}, ["a"]),
        ({"1": track(userId="a")}, ["a"]),
        ({"batch": {"3": track(userId="a"), "1": track(userId="b")}}, ["a", "b"]),
    ],
    ids=["a batch", "bare", "of one, with a context", "bare, of one", "in another order"],
)
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/webhook?x=1", "/api/s/s2s/batch"])
def test_a_list_that_php_wrote_with_holes_is_a_list(path: str, body: Any, users: list[str]) -> None:
    door = Door()

    answer = door.post(path, json.dumps(body, indent=2).encode())

    assert (answer.status, [event["userId"] for event in door.events]) == (200, users)


def test_a_list_with_holes_has_places_and_repairs_as_any_other() -> None:
    door = Door()
    events = [
        json.dumps(track(userId="a")),
        '{"type":"track"}',
        json.dumps(track(properties={"x": float("nan")})),
    ]

    answer = door.post(
        "/v1/batch", f'{{"batch":{{"0":{events[0]},"3":{events[1]},"9":{events[2]}}}}}'.encode()
    )

    assert [error["Index"] for error in answer.json["Errors"]] == [1]
    assert [event.get("warnings", [{}])[0].get("field") for event in door.events] == [None, "properties.x"]


@pytest.mark.parametrize(
    "batch", [{"0": track(), "x": track()}, {"zero": track()}, {"-1": track()}, {"²": track()}], ids=list
)
def test_any_other_object_is_no_list(batch: dict[str, Any]) -> None:
    answer = Door().post("/v1/batch", {"batch": batch})

    assert (answer.status, answer.json["code"]) == (400, "empty_batch")
