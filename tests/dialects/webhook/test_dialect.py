"""Events that other systems forward."""

import hashlib
import hmac
from typing import Any

import pytest

from gateway.config.secret import Secrets
from gateway.sources import Source
from tests.build import Door, to_json, track

KEYS = (Source("ours", ("ours",)), Source("theirs", ("theirs",)))


@pytest.mark.parametrize("path", ["/v1/webhook", "/v1/w", "/webhook", "/w", "/v1/webhook/"])
@pytest.mark.parametrize(
    "shape",
    [lambda event: event, lambda event: [event], lambda event: {"batch": [event]}],
    ids=["object", "array", "batch"],
)
def test_it_takes_an_object_an_array_or_a_batch(path: str, shape: Any) -> None:
    door = Door()

    answer = door.post(f"{path}?writeKey=dev", shape(track(messageId="m1")), X_Write_Key="")

    assert (answer.status, answer.json["success"], door.event["messageId"]) == (200, True, "m1")
    assert (door.event["type"], door.event["source"]["dialect"]) == ("track", "webhook")


@pytest.mark.parametrize(
    "body",
    [
        track(writeKey="theirs"),
        track(writekey="theirs"),
        track(writeKey="unknown"),
        {"batch": [track()], "writeKey": "theirs"},
        {"batch": [track(writeKey="theirs")], "writeKey": "theirs"},
    ],
    ids=["of the event", "in lower case", "unknown", "of the batch", "of both"],
)
def test_the_key_of_the_query_overwrites_any_in_the_body(body: dict[str, Any]) -> None:
    door = Door(*KEYS)

    answer = door.post("/v1/webhook?writeKey=ours", body, X_Write_Key="theirs")

    assert (answer.status, door.event["source"]["name"]) == (200, "ours")
    assert b"theirs" not in door.journal.lines[0]


@pytest.mark.parametrize(
    ("body", "header", "name"),
    [(track(writeKey="theirs"), "ours", "theirs"), (track(), "ours", "ours")],
    ids=["the event's", "the header's"],
)
def test_without_a_key_in_the_query_the_other_places_count(
    body: dict[str, Any], header: str, name: str
) -> None:
    door = Door(*KEYS)

    door.post("/v1/webhook", body, X_Write_Key=header)

    assert door.event["source"]["name"] == name


@pytest.mark.parametrize("key", ["", "unknown"])
def test_an_unknown_key_is_told(key: str) -> None:
    door = Door()

    answer = door.post(f"/v1/webhook?writeKey={key}", [track()], X_Write_Key="")

    assert (answer.status, answer.json["code"], "Errors" in answer.json) == (400, "unknown_write_key", False)
    assert door.events == []


@pytest.mark.parametrize(
    ("type", "code"),
    [("", "missing_type"), (None, "missing_type"), ("page_view", "unknown_type"), (1, "unknown_type")],
)
def test_the_type_is_one_of_six(type: Any, code: str) -> None:
    answer = Door().post("/v1/webhook?writeKey=dev", track(type=type))

    assert (answer.status, answer.json["code"]) == (400, code)


def test_a_deletion_is_answered_and_goes_nowhere() -> None:
    door = Door()

    answer = door.post("/v1/webhook?writeKey=dev", {"type": "delete", "userId": "u1"})

    assert (answer.status, answer.json, door.events) == (200, {"success": True}, [])
    assert "x-durability" not in answer.headers


def test_a_deletion_among_events_costs_them_nothing() -> None:
    door = Door()

    answer = door.post("/v1/webhook?writeKey=dev", [track(), {"type": "delete"}, track(event="")])

    assert (answer.status, len(door.events)) == (207, 1)
    assert (answer.json["Accepted"], answer.json["Rejected"], answer.json["Errors"][0]["Index"]) == (2, 1, 2)


def test_a_deletion_elsewhere_is_no_event() -> None:
    answer = Door().post("/v1/batch", {"batch": [{"type": "delete", "userId": "u1"}]})

    assert (answer.status, answer.json["code"]) == (400, "unknown_type")


def test_one_object_that_is_too_large_is_a_body_that_is_too_large() -> None:
    door = Door()

    answer = door.post("/v1/webhook?writeKey=dev", track(properties={"x": "x" * 15 * 1024}))

    assert (answer.status, answer.json["code"], door.events) == (413, "body_too_large", [])


@pytest.mark.parametrize("body", [b"{", b"", b'[{"type":"track"}'], ids=["a brace", "empty", "cut off"])
def test_a_body_that_is_no_json_is_told(body: bytes) -> None:
    answer = Door().post("/v1/webhook?writeKey=dev", body)

    assert (answer.status, answer.json["code"], answer.json["Accepted"]) == (400, "unreadable_body", 0)


def test_the_sender_is_no_persons_device() -> None:
    door = Door()

    door.post("/v1/webhook?writeKey=dev", track(), User_Agent="Segment.io/1.0")

    assert door.event["context"] == {}


SIGNED = Source("signed", ("dev",), webhook_secret=Secrets.parse("hush"))


def sign(body: Any) -> str:
    return hmac.new(b"hush", to_json(body), hashlib.sha1).hexdigest()


@pytest.mark.parametrize("body", [track(), [track(), track()]], ids=["event", "batch"])
def test_with_a_secret_segments_signature_is_asked_for(body: Any) -> None:
    door = Door(SIGNED)
    first = body[0] if isinstance(body, list) else body

    answers = [
        door.post("/v1/webhook?writeKey=dev", body, X_Signature=signature)
        for signature in (sign(first), sign(track(event="Other")), "")
    ]

    assert [answer.status for answer in answers] == [200, 400, 400]
    assert answers[1].json["code"] == answers[2].json["code"] == "bad_signature"
    assert len(door.events) == (2 if isinstance(body, list) else 1)


def test_with_a_secret_nothing_comes_in_by_other_routes() -> None:
    door = Door(SIGNED)

    answers = [
        door.post("/v1/track", track(), X_Signature=sign(track())),
        door.post("/v1/webhook", track(writeKey="dev"), X_Write_Key="", X_Signature=sign(track())),
    ]

    assert [answer.json["code"] for answer in answers] == ["bad_signature", "bad_signature"]
    assert door.events == []


@pytest.mark.parametrize("path", ["/v1/webhook", "/v1/custom/event"])
def test_who_signs_for_one_source_signs_for_no_other(path: str) -> None:
    door = Door(SIGNED, Source("theirs", ("theirs",), webhook_secret=Secrets.parse("another")))
    body = {
        **track(writeKey="theirs"),
        "_metarouter": {"writeKey": "theirs", "eventName": "E", "userID": "u1"},
    }

    door.post(path, body, X_Write_Key="dev", X_Signature=sign(body))

    assert door.event["source"]["name"] == "signed"
