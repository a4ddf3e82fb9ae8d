"""MetaRouter's custom events: any object, and what makes it an event."""

import json
from typing import Any

import pytest

from gateway.sources import Source
from tests.build import Door

PATH = "/v1/custom/event"
METADATA = {"writeKey": "dev", "eventName": "Item Sold", "eventID": "e1", "userID": "u1"}


def sent(metadata: Any, **fields: Any) -> dict[str, Any]:
    return {"sku": "s1", **fields, "_metarouter": metadata}


def post(door: Door, body: Any, target: str = PATH, **headers: str) -> Any:
    return door.post(target, body, X_Write_Key="", **headers)


def test_the_object_becomes_the_properties_of_a_track_event() -> None:
    door = Door()
    metadata = {**METADATA, "anonymousID": "a1", "timestamp": "2026-01-02T03:04:05Z", "ip": "203.0.113.9"}

    answer = post(door, b'{"b":1.50,"_metarouter":%b,"a":[]}' % json.dumps(metadata).encode())

    event = door.event
    assert (answer.status, answer.json) == (200, {"success": True})
    assert (event["type"], event["event"], event["messageId"]) == ("track", "Item Sold", "e1")
    assert (event["userId"], event["anonymousId"], event["channel"]) == ("u1", "a1", "server")
    assert (event["timestamp"], event["context"]) == ("2026-01-02T03:04:05.000Z", {"ip": "203.0.113.9"})
    assert b'"properties":{"b":1.50,"a":[]}' in door.journal.lines[0]
    assert event["source"] == {"name": "default", "dialect": "webhook", "route": PATH}


@pytest.mark.parametrize("path", [PATH, "/custom/event", "/v1/custom/event/"])
def test_its_path_is_found_as_all_are(path: str) -> None:
    assert post(Door(), sent(METADATA), path).status == 200


@pytest.mark.parametrize(
    ("body", "target", "header"),
    [
        pytest.param({"sku": "s1", "_mrSchema": METADATA}, PATH, "", id="the body, by its older name"),
        pytest.param({"sku": "s1"}, PATH, json.dumps(METADATA), id="the header"),
        pytest.param({"sku": "s1"}, f"{PATH}?writeKey=dev&eventName=Item+Sold&userID=u1", "", id="the query"),
        pytest.param(
            sent({"eventName": "Item Sold"}), f"{PATH}?userID=u1", '{"writeKey":"dev"}', id="all of them"
        ),
    ],
)
def test_the_metadata_may_be_in(body: Any, target: str, header: str) -> None:
    door = Door()

    answer = post(door, body, target, X_Event_Metadata=header)

    event = door.event
    assert answer.status == 200
    assert (event["event"], event["userId"], event["properties"]) == ("Item Sold", "u1", {"sku": "s1"})


def test_the_body_outranks_the_header_and_that_the_query() -> None:
    door = Door()
    header = json.dumps({**METADATA, "eventName": "Header", "userID": "header"})

    post(door, sent({"eventName": "Body"}), f"{PATH}?userID=query", X_Event_Metadata=header)

    assert (door.event["event"], door.event["userId"]) == ("Body", "header")


def test_a_value_may_be_a_path_into_the_object() -> None:
    door = Door()
    metadata = {**METADATA, "eventID": "$.order.id", "userID": "$.customers[0].id", "anonymousID": "$.none"}

    post(door, sent(metadata, order={"id": 17}, customers=[{"id": "c1"}]))

    event = door.event
    assert (event["messageId"], event["userId"], "anonymousId" in event) == ("17", "c1", False)
    assert event["properties"] == {"sku": "s1", "order": {"id": 17}, "customers": [{"id": "c1"}]}


@pytest.mark.parametrize("name", ["$pageview", "$", "$5 off", "@.id", "header:Cookie"])
def test_a_value_that_only_looks_like_a_path_stands_as_it_is(name: str) -> None:
    door = Door()

    post(door, sent({**METADATA, "eventName": name}))

    assert door.event["event"] == name


def test_a_path_that_leads_nowhere_is_repeated_to_nobody() -> None:
    answer = post(Door(), sent({**METADATA, "userID": "$." + "a" * 10_000}))

    assert len(answer.body) < 500


@pytest.mark.parametrize("metadata", ["{", "7", '{"eventName":"\xff","userID":"u1"}'], ids=repr)
def test_a_header_that_cannot_be_read_is_told_of(metadata: str) -> None:
    answer = post(Door(), {"writeKey": "dev"}, X_Event_Metadata=metadata)

    assert (answer.status, answer.json["code"]) == (400, "invalid_field")
    assert "X-Event-Metadata" in answer.json["Details"]


@pytest.mark.parametrize("name", ["writeKey", "write_key", "WRITEKEY"])
def test_a_key_beside_the_metadata_counts_and_is_no_property(name: str) -> None:
    door = Door()

    answer = post(door, sent({"eventName": "E", "userID": "u1"}, **{name: "dev"}))

    assert (answer.status, door.event["properties"]) == (200, {"sku": "s1"})


def test_the_address_names_the_source_as_on_all_webhooks() -> None:
    door = Door(Source("ours", ("ours",)), Source("theirs", ("theirs",)))

    post(door, sent({**METADATA, "writeKey": "theirs"}), f"{PATH}?writeKey=ours")

    assert door.event["source"]["name"] == "ours"
    assert b"theirs" not in door.journal.lines[0]


def test_the_key_is_removed_from_the_address_that_a_sender_repeats() -> None:
    door = Door()
    ping = {"hook": {"url": "https://gateway.example/v1/custom/event?writeKey=dev&x=1"}, "token": "dev"}

    answer = post(door, ping, f"{PATH}?writeKey=dev&eventName=Ping&userID=u1")

    assert (answer.status, door.event["event"]) == (200, "Ping")
    assert door.event["properties"] == {
        "hook": {"url": "https://gateway.example/v1/custom/event?writeKey=***&x=1"}
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (sent({**METADATA, "eventName": ""}), "missing_event"),
        (sent({"writeKey": "dev", "eventName": "E"}), "missing_id"),
        (sent({**METADATA, "writeKey": "nobody"}), "unknown_write_key"),
        (sent({**METADATA, "userID": "$.a["}), "invalid_field"),
        (sent({**METADATA, "userID": [1]}), "invalid_field"),
        (sent({**METADATA, "eventID": "x" * 101}), "message_id_too_long"),
        (sent("text"), "invalid_field"),
        (sent({**METADATA, "userID": "$." + "a" * 64}), "invalid_field"),
        ([1], "not_an_object"),
        (b"{", "unreadable_body"),
        (b'{"\xff":1}', "unreadable_body"),
        (sent(METADATA, x="x" * 15 * 1024), "body_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_told_in_the_error_of_a_single_call(body: Any, code: str) -> None:
    answer = post(Door(), body)

    assert answer.status == (413 if code == "body_too_large" else 400)
    assert answer.json["code"] == code
    assert answer.json.keys() == {"Error", "Message", "Details", "code", "message"}


def test_what_is_no_json_in_it_is_repaired() -> None:
    door = Door()

    post(door, b'{"price":NaN,"_metarouter":%b}' % json.dumps(METADATA).encode())

    assert door.event["properties"] == {"price": None}
    assert door.event["warnings"] == [{"code": "not_a_number", "field": "price", "detail": "NaN"}]
