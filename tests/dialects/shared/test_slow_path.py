"""The slow path of the Segment family: an odd value in one message harms no other."""

from typing import Any

import pytest

from tests.build import Door, to_json, track

AROUND = b'{"batch":[%b,%%b,%b]}' % (to_json(track(event="first")), to_json(track(event="last")))


@pytest.mark.parametrize(
    ("value", "kept", "warning"),
    [
        (b"NaN", None, {"code": "not_a_number", "field": "properties.x", "detail": "NaN"}),
        (b"-Infinity", None, {"code": "not_a_number", "field": "properties.x", "detail": "-Infinity"}),
        (b'"a\\ud83d"', "a\ufffd", {"code": "lone_surrogate", "field": "properties.x", "detail": ""}),
        (
            b'"\\ude00\\ud83d"',
            "\ufffd\ufffd",
            {"code": "lone_surrogate", "field": "properties.x", "detail": ""},
        ),
    ],
    ids=["NaN", "Infinity", "half an emoji", "halves in the wrong order"],
)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_a_value_that_is_no_json_is_repaired_with_a_warning(
    path: str, value: bytes, kept: Any, warning: dict[str, str]
) -> None:
    door = Door()
    event = b'{"type":"track","userId":"u1","event":"E","properties":{"x":%b}}' % value

    answer = door.post(path, b'{"batch":[%b]}' % event if path == "/v1/batch" else event)

    assert (answer.status, door.event["properties"], door.event["warnings"]) == (200, {"x": kept}, [warning])


@pytest.mark.parametrize(
    "odd",
    [
        b'{"type":"track","userId":"u","event":"E","properties":{"x":NaN}}',
        b'{"type":"track","userId":"u","event":"\\udfff"}',
        b'{"type":"track","userId":7,"event":"E"}',
        b'{"type":"track","userId":"u","event":"E","section":{"a":1}}',
        b'{"type":"track","userId":true,"event":"E"}',
        b'{"type":"track","userId":"u","event":"\xff\xfe"}',
        b'{"type":"track","userId":"u","event":"E","\xff":1}',
        b'{"type":"track","userId":"u","event":"E","properties":' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"type":"track","userId":"u","event":"E","messageId":"%b"}' % (b"x" * 101),
        b"[]",
        b"null",
    ],
    ids=[
        "NaN",
        "half an emoji",
        "a number for a text",
        "an unknown field",
        "a wrong type",
        "not UTF-8",
        "a name that is not UTF-8",
        "depth",
        "a long messageId",
        "an array",
        "null",
    ],
)
def test_an_odd_event_costs_its_neighbours_nothing(odd: bytes) -> None:
    door = Door()

    answer = door.post("/v1/batch", AROUND % odd)

    neighbours = [door.events[0], door.events[-1]]
    assert [event["event"] for event in neighbours] == ["first", "last"]
    assert not any("warnings" in event or "extras" in event for event in neighbours)
    assert [error["Index"] for error in answer.json["Errors"]] in ([], [1])
    assert len(door.events) + len(answer.json["Errors"]) == 3


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (b"1", "not_an_object"),
        (to_json(track(userId=True)), "invalid_field"),
        (to_json(track(event=["E"])), "invalid_field"),
        (to_json(track(anonymousId={"id": 1})), "invalid_field"),
        (to_json(track(messageId="x" * 101)), "message_id_too_long"),
        (to_json(track(type=7)), "unknown_type"),
        (to_json(track(type=None)), "missing_type"),
        (to_json(track(userId="")), "missing_id"),
        (b'{"type":"track","userId":"u","event":"\xff"}', "invalid_field"),
        (
            b'{"type":"track","userId":"u","event":"E","traits":%b}' % (b"[" * 600 + b"]" * 600),
            "invalid_field",
        ),
    ],
    ids=[
        "no object",
        "a truth as id",
        "a list as name",
        "an object as id",
        "a long messageId",
        "a number as type",
        "no type",
        "an empty id",
        "not UTF-8",
        "depth",
    ],
)
def test_what_cannot_be_repaired_is_listed(odd: bytes, code: str) -> None:
    door = Door()

    answer = door.post("/v1/batch", AROUND % odd)

    [error] = answer.json["Errors"]
    assert (answer.status, error["code"], error["Index"], len(door.events)) == (207, code, 1, 2)


def test_a_refused_event_is_listed_by_its_name() -> None:
    batch = [track(), track(messageId="m1", userId=True), track(messageId=7, userId=True)]

    answer = Door().post("/v1/batch", {"batch": batch})

    assert [error["MessageId"] for error in answer.json["Errors"]] == ["m1", "7"]


def test_the_error_names_the_field() -> None:
    answer = Door().post("/v1/track", track(anonymousId=["a"]))

    assert answer.json["Details"].startswith("$.anonymousId: ")


@pytest.mark.parametrize(
    "field", ["userId", "anonymousId", "groupId", "previousId", "messageId", "name", "category"]
)
@pytest.mark.parametrize(
    "number", ["7", "-1.50", "1e5", "9" * 90], ids=["small", "decimal", "exponent", "large"]
)
def test_a_number_as_a_name_becomes_a_text_with_the_same_digits(field: str, number: str) -> None:
    door = Door()
    body = f'{{"event":"E","userId":"u","{field}":{number}}}'

    door.post("/v1/track", body.encode())

    assert door.event[field] == number


def test_unknown_fields_are_kept_aside_as_they_came() -> None:
    door = Door()

    door.post(
        "/v1/track",
        b'{"userId":"u","event":"E","section":{"b":1.50,"a":[ ]},"version":2,"_metadata":{"x":1}}',
    )

    assert b'"extras":{"section":{"b":1.50,"a":[]},"version":2,"_metadata":{"x":1}}' in door.journal.lines[0]


def test_the_spellings_of_metarouters_documents_are_understood() -> None:
    door = Door()

    door.post(
        "/v1/track", {"userID": "u", "anonymousID": "a", "event": "E", "writekey": "dev"}, X_Write_Key=""
    )

    assert (door.event["userId"], door.event["anonymousId"], "extras" in door.event) == ("u", "a", False)


def test_of_a_field_that_is_written_twice_the_last_counts() -> None:
    fast, slow = Door(), Door()

    fast.post("/v1/track", b'{"userId":"u1","event":"E","userId":"u2"}')
    slow.post("/v1/track", b'{"userId":"u1","event":"E","userId":"u2","x":1}')

    assert (fast.event["userId"], slow.event["userId"]) == ("u2", "u2")


@pytest.mark.parametrize("time", [True, {}, ["2026"], "soon"], ids=repr)
def test_a_time_that_is_none_is_noted_and_kept(time: Any) -> None:
    door = Door()

    answer = door.post("/v1/track", track(timestamp=time))

    text = time if isinstance(time, str) else to_json(time).decode()
    assert answer.status == 200
    assert (door.event["timestamp"], door.event["originalTimestamp"]) == (door.event["receivedAt"], text)
    assert door.event["warnings"] == [{"code": "unreadable_timestamp", "field": "timestamp", "detail": text}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"userId":"u","event":"E"',
        b'{"userId":"u","event":"E",}',
        b'{"userId":"u","event":"E"}{}',
        b"{'userId':'u'}",
        b'{"userId":"u",/**/"event":"E"}',
        b'{"userId":"u","event":"E","n":01}',
        b'{"userId":"u","event":"\x00"}',
        b'{"userId":"u","event":"\xff"}',
        '{"userId":"u","event":"E"}'.encode("utf-16"),
    ],
    ids=[
        "empty",
        "a brace",
        "cut off",
        "comma",
        "more behind",
        "single quotes",
        "comment",
        "leading zero",
        "NUL",
        "not UTF-8",
        "UTF-16",
    ],
)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_what_is_no_json_is_refused(path: str, body: bytes) -> None:
    door = Door()

    answer = door.post(path, body)

    assert (answer.status, answer.json["code"], door.events) == (400, "unreadable_body", [])


def test_a_flood_of_repairs_is_noted_in_part_and_done_in_full() -> None:
    door = Door()

    door.post("/v1/track", b'{"userId":"u","event":"E","properties":{"x":[%b]}}' % b",".join([b"NaN"] * 100))

    assert door.event["properties"] == {"x": [None] * 100}
    assert len(door.event["warnings"]) == 20
    assert door.event["warnings"][19]["field"] == "properties.x.19"
