"""Webhooks that are no events, read by their source's table, through the front door."""

import hashlib
import hmac
from typing import Any

import pytest

from gateway.config.secret import Secrets
from gateway.sources import Source
from gateway.webhooks.places import Place
from gateway.webhooks.table import Fields, Webhook
from tests.build import Door, to_json, track
from tests.dialects.webhook.shops import shop

SIGNED = Source(
    "shop",
    ("shop",),
    webhook=Webhook(Fields(event=Place.parse("$.kind"), user_id=Place.parse("$.who")), signature="github"),
    webhook_secret=Secrets.parse("hush"),
)


def sign(body: bytes) -> str:
    return "sha256=" + hmac.new(b"hush", body, hashlib.sha256).hexdigest()


def test_a_body_is_one_event() -> None:
    door = Door(
        shop(
            fields={
                "message_id": "header:X-Id",
                "anonymous_id": "$.visitor",
                "timestamp": "$.at",
                "properties": "$.order",
                "traits": {"plan": "gold"},
                "context": {"page": {"url": "$.url"}},
            }
        )
    )
    body = b'{"kind":"Sold","who":7,"at":"2026-01-01T12:00:00Z","url":"u","order":{"total": 1.50, "b": 1}}'

    answer = door.post("/v1/webhook?writeKey=shop", body, X_Write_Key="", X_Id="m1")

    event = door.event
    assert (answer.status, answer.json, answer.headers["x-durability"]) == (200, {"success": True}, "fsync")
    assert (event["type"], event["event"], event["userId"], event["messageId"]) == (
        "track",
        "Sold",
        "7",
        "m1",
    )
    assert "anonymousId" not in event
    assert b'"properties":{"total":1.50,"b":1}' in door.journal.lines[0]
    assert (event["traits"], event["context"]) == ({"plan": "gold"}, {"page": {"url": "u"}})
    assert event["timestamp"] == "2026-01-01T12:00:00.000Z"
    assert (event["source"]["name"], event["source"]["dialect"]) == ("shop", "webhook")


@pytest.mark.parametrize(
    "time", [1686089970, "1686089970", 1686089970000, "2023-06-06T22:19:30Z", 1686089970.0001]
)
def test_a_time_may_be_in_seconds(time: Any) -> None:
    door = Door(shop(fields={"timestamp": "$.at"}))

    door.post("/v1/w?writeKey=shop", {"kind": "Sold", "who": "u1", "at": time})

    assert door.event["timestamp"] == "2023-06-06T22:19:30.000Z"
    assert "warnings" not in door.event


def test_each_entry_of_a_list_is_an_event() -> None:
    door = Door(shop("$.items[*]", fields={"event": "@.kind", "properties": {"n": "@.n", "order": "$.id"}}))
    body = {"id": 9, "who": "u1", "items": [{"kind": "A", "n": 1}, {"n": 2}, 3, {"kind": "B", "n": 4}]}

    answer = door.post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, answer.json["Accepted"], answer.json["Rejected"]) == (207, 2, 2)
    assert [(error["Index"], error["code"]) for error in answer.json["Errors"]] == [
        (1, "missing_event"),
        (2, "missing_event"),
    ]
    assert [(event["event"], event["properties"]) for event in door.events] == [
        ("A", {"n": 1, "order": 9}),
        ("B", {"n": 4, "order": 9}),
    ]


@pytest.mark.parametrize(
    ("fields", "body", "code", "details"),
    [
        ({}, {"who": "u1"}, "missing_event", "found nothing at $.kind"),
        ({}, [1], "missing_event", "found nothing at $.kind"),
        ({}, {"kind": "Sold"}, "missing_id", "found nothing at $.who"),
        ({"anonymous_id": ["$.a", "@.b"]}, {"kind": "S"}, "missing_id", "found nothing at $.who, $.a, @.b"),
        ({"type": "header:X-T"}, {"kind": "S", "who": "u"}, "missing_type", "found nothing at header:X-T"),
        ({"type": "$.kind"}, {"kind": "S", "who": "u"}, "unknown_type", "$.type: 'S'"),
        ({"type": "group"}, {"who": "u"}, "missing_group_id", ""),
        ({}, {"kind": [1], "who": "u"}, "invalid_field", "$.kind, for event: Expected `str | null`"),
        ({}, {"kind": "S", "who": [1]}, "invalid_field", "$.who, for userId: Expected `str | null`"),
        (
            {"properties": "$.who"},
            {"kind": "S", "who": "u"},
            "invalid_field",
            "$.who, for properties: expected an object",
        ),
    ],
)
def test_a_body_that_does_not_fit_is_told_where(
    fields: dict[str, Any], body: Any, code: str, details: str
) -> None:
    door = Door(shop(fields=fields))

    answer = door.post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, answer.json["code"], door.events) == (400, code, [])
    assert answer.json["Details"].startswith(details)


@pytest.mark.parametrize("body", [{"id": 1}, {"items": {}}, {"items": None}, 1, "items"], ids=str)
def test_a_list_that_is_none_is_told(body: Any) -> None:
    answer = Door(shop("$.items[*]")).post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_field")
    assert answer.json["Errors"][0]["Details"] == "$.items: expected a list"


def test_a_list_that_php_wrote_with_holes_is_one() -> None:
    door = Door(shop("$.items[*]", fields={"event": "@.kind", "properties": "@"}))
    body = b'{"who":1,"items":{"0":{"kind":"a"},"2":{"kind":"b","x":NaN}}}'

    answer = door.post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, [event["event"] for event in door.events]) == (200, ["a", "b"])
    assert [len(event.get("warnings", [])) for event in door.events] == [0, 1]


@pytest.mark.parametrize("body", [b"", b"{", b"payload=%7B%7D", b'{"kind": "\xff"}', b"[" * 5000])
def test_what_is_no_json_is_told(body: bytes) -> None:
    answer = Door(shop()).post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, answer.json["code"]) == (400, "unreadable_body")


def test_what_no_decoder_takes_is_repaired_in_its_own_event() -> None:
    door = Door(shop("$.items[*]", fields={"event": "@.kind", "properties": "@"}))
    body = rb'{"who":"u1","items":[{"kind":"A","x":NaN},{"kind":"B\ud83d"},{"kind":"C"}]}'

    answer = door.post("/v1/webhook?writeKey=shop", body)

    codes = [[warning["code"] for warning in event.get("warnings", ())] for event in door.events]
    assert (answer.status, codes) == (200, [["not_a_number"], ["lone_surrogate"], []])


def test_an_event_may_be_as_large_as_a_body() -> None:
    body = {"kind": "Sold", "who": "u1", "order": {"text": "x" * 100_000}}
    one, small = shop(fields={"properties": "$.order"}), shop(max_event=15 * 1024)

    assert Door(one).post("/v1/webhook?writeKey=shop", body).status == 200
    assert Door(small).post("/v1/webhook?writeKey=shop", body).status == 413


def test_an_event_of_a_list_is_measured_with_what_it_gets_of_the_body() -> None:
    source = shop("$.items[*]", fields={"properties": {"all": "$.all", "own": "@.own"}}, max_event=15 * 1024)
    door = Door(source)
    body = {"kind": "A", "who": "u", "all": "x" * 10_000, "items": [{"own": "y" * 10_000}, {"own": "y"}]}

    answer = door.post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, answer.json["code"], len(door.events)) == (207, "event_too_large", 1)


def test_what_a_table_copies_has_an_end() -> None:
    body = {"kind": "A", "who": "u", "all": "x" * 100_000, "items": [{}] * 100}
    door = Door(shop("$.items[*]", fields={"properties": "$"}))

    answer = door.post("/v1/webhook?writeKey=shop", body)

    assert (answer.status, answer.json["code"], door.events) == (413, "body_too_large", [])


def test_more_entries_than_events_are_allowed_are_not_looked_at() -> None:
    answer = Door(shop("$[*]")).post("/v1/webhook?writeKey=shop", [{}] * 2501)

    assert (answer.status, answer.json["code"]) == (400, "too_many_events")


def test_a_genuine_webhook_is_taken_and_any_other_refused() -> None:
    door = Door(SIGNED)
    body = to_json({"kind": "Sold", "who": "u1"})

    right = door.post("/v1/webhook?writeKey=shop", body, X_Hub_Signature_256=sign(body))
    wrong = door.post("/v1/webhook?writeKey=shop", body + b" ", X_Hub_Signature_256=sign(body))
    none = door.post("/v1/webhook?writeKey=shop", body)

    assert (right.status, wrong.status, none.status, len(door.events)) == (200, 400, 400, 1)
    assert wrong.json == {
        "Error": "Bad Request",
        "Message": "The webhook's signature is missing, wrong or too old",
        "Details": "X-Hub-Signature-256: it does not fit body and secret",
        "code": "bad_signature",
        "message": "The webhook's signature is missing, wrong or too old",
    }
    assert none.json["Details"] == "X-Hub-Signature-256: missing"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/track", track(writeKey="shop")),
        ("/v1/batch", {"batch": [track()], "writeKey": "shop"}),
        ("/v1/webhook", track(writeKey="shop")),
        ("/v1/webhook", [track(writeKey="shop")]),
        ("/v1/webhook?writeKey=dev", track(writeKey="shop", event="")),
    ],
    ids=["an event", "a batch", "a webhook without the key in its address", "several", "another's address"],
)
def test_no_other_way_leads_past_the_signature(path: str, body: Any) -> None:
    door = Door(SIGNED, Source("default", ("dev",)))

    answer = door.post(path, body, X_Write_Key="")

    assert (answer.status, door.events) == (400, [])


def test_another_event_of_a_batch_pays_nothing_for_it() -> None:
    door = Door(SIGNED, Source("default", ("dev",)))

    answer = door.post("/v1/batch", {"batch": [track(writeKey="shop"), track()]})

    assert (answer.status, answer.json["code"]) == (207, "bad_signature")
    assert door.event["source"]["name"] == "default"


def test_sources_without_a_table_are_read_as_ever() -> None:
    door = Door(SIGNED, Source("default", ("dev",)), Source("off", ("off",), enabled=False))

    taken = door.post("/v1/webhook?writeKey=dev", track())
    unknown = door.post("/v1/webhook?writeKey=unknown", track())
    disabled = door.post("/v1/webhook?writeKey=off", track())

    assert (taken.status, door.event["source"]["name"]) == (200, "default")
    assert (unknown.json["code"], disabled.json["code"]) == ("unknown_write_key", "source_disabled")
