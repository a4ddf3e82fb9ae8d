"""What a table finds in a webhook: values that say nothing, ids that are too long, and keys."""

import uuid
from typing import Any

import msgspec
import pytest

from gateway.sources import Source
from gateway.webhooks.places import Place
from gateway.webhooks.table import Fields, Webhook
from tests.build import Door, to_json
from tests.dialects.webhook.shops import TARGET, shop

EMPTY: list[Any] = ["", None, [], {}, False]


@pytest.mark.parametrize("empty", EMPTY, ids=repr)
@pytest.mark.parametrize("field", ["user_id", "event", "message_id", "group_id", "name"])
def test_an_empty_value_is_not_the_first_that_there_is(empty: Any, field: str) -> None:
    door = Door(shop(fields={field: ["$.a", "$.b", "$.c"]}))

    answer = door.post(TARGET, {"kind": "Sold", "who": "u1", "a": empty, "b": empty, "c": "ann@example.org"})

    name = msgspec.structs.fields(Fields)[Fields.__struct_fields__.index(field)].encode_name
    assert (answer.status, door.event[name]) == (200, "ann@example.org")


@pytest.mark.parametrize("value", [0, "0", " ", "false", True, 1.50, [0], {"a": None}], ids=repr)
def test_a_value_that_says_something_is_the_first(value: Any) -> None:
    door = Door(shop(fields={"properties": {"x": ["$.a", "$.b"]}}))

    door.post(TARGET, {"kind": "Sold", "who": "u1", "a": value, "b": "later"})

    assert door.event["properties"] == {"x": value}


@pytest.mark.parametrize("empty", [[], {}, False], ids=repr)
def test_an_empty_value_without_a_better_one_stays(empty: Any) -> None:
    door = Door(shop(fields={"properties": {"x": ["$.a", "$.b", "$.none"], "y": "$.a"}}))

    door.post(TARGET, {"kind": "Sold", "who": "u1", "a": empty, "b": ""})

    assert door.event["properties"] == {"x": empty, "y": empty}


def test_lists_of_lists_look_on_behind_empty_values() -> None:
    door = Door(shop(fields={"user_id": [["$.a", "$.b"], "header:X-None", "$.c"]}))

    door.post(TARGET, {"kind": "Sold", "a": [], "b": "", "c": 7})

    assert door.event["userId"] == "7"


LONG = "urn:event:" + "x" * 91


@pytest.mark.parametrize(
    "sent", [LONG, "ü" * 101, "9" * 101, "x" * 10_000], ids=["a text", "not ASCII", "digits", "very long"]
)
def test_a_message_id_that_is_too_long_becomes_a_uuid_of_it(sent: str) -> None:
    door = Door(shop(fields={"message_id": "$.id"}))

    answers = [door.post(TARGET, {"kind": "Sold", "who": "u1", "id": sent}) for _ in range(2)]

    first, second = (event["messageId"] for event in door.events)
    assert [answer.status for answer in answers] == [200, 200]
    assert first == second == str(uuid.uuid5(uuid.NAMESPACE_OID, sent))
    assert door.events[0]["warnings"] == [
        {"code": "message_id_shortened", "field": "messageId", "detail": sent[:100]}
    ]


def test_a_number_that_is_too_long_becomes_a_uuid_of_its_digits() -> None:
    door = Door(shop(fields={"message_id": "$.id"}))

    door.post(TARGET, b'{"kind":"Sold","who":"u1","id":%b}' % (b"9" * 101))

    assert door.event["messageId"] == str(uuid.uuid5(uuid.NAMESPACE_OID, "9" * 101))


def test_a_message_id_of_100_characters_stays() -> None:
    door = Door(shop(fields={"message_id": "header:X-Id"}))

    door.post(TARGET, {"kind": "Sold", "who": "u1"}, X_Id="x" * 100)

    assert (door.event["messageId"], "warnings" in door.event) == ("x" * 100, False)


def test_each_entry_of_a_list_has_its_own_id_shortened() -> None:
    door = Door(shop("$.items[*]", fields={"message_id": "@.id"}))

    answer = door.post(
        TARGET, {"kind": "Sold", "who": "u1", "items": [{"id": LONG + "1"}, {"id": LONG + "2"}]}
    )

    assert answer.json["Accepted"] == 2
    assert len({event["messageId"] for event in door.events}) == 2


def test_an_event_that_is_refused_is_named_by_the_id_that_was_sent() -> None:
    door = Door(shop("$.items[*]", fields={"message_id": "@.id", "event": "@.kind"}))

    answer = door.post(TARGET, {"who": "u1", "items": [{"id": LONG}]})

    assert answer.json["Errors"][0]["MessageId"] == LONG


@pytest.mark.parametrize("name", ["writeKey", "write_key", "write-key", "token", "tc_skey"])
@pytest.mark.parametrize(
    "place",
    [
        lambda key: key,
        lambda key: {"meta": {"of": [key]}},
        lambda key: {"items": [key, {**key, "a": 1}]},
    ],
    ids=["at the top", "deep", "in a list"],
)
def test_the_sources_own_key_does_not_reach_the_event(name: str, place: Any) -> None:
    door = Door(shop(fields={"properties": "$", "traits": "$", "context": {"all": "$"}}))

    answer = door.post(TARGET, {"kind": "Sold", "who": "u1", "total": 9.5, **place({name: "shop"})})

    assert answer.status == 200
    assert to_json(name) not in door.journal.lines[0]
    assert door.event["properties"]["total"] == 9.5


def test_every_key_of_the_source_counts_and_no_other_value() -> None:
    table = Webhook(Fields(event=Place.parse("E"), user_id=Place.parse("u"), properties=Place.parse("$")))
    door = Door(Source("shop", ("shop", "next"), webhook=table))

    door.post(TARGET, {"token": "next", "writeKey": "another", "card": {"token": "tok_1"}})

    assert door.event["properties"] == {"writeKey": "another", "card": {"token": "tok_1"}}


def test_the_address_that_githubs_ping_repeats_is_kept_without_its_key() -> None:
    door = Door(shop(fields={"event": "ping", "user_id": "u", "properties": "$"}))
    body = {"hook": {"config": {"content_type": "form", "url": "https://gw/v1/webhook?writeKey=shop"}}}

    door.post(TARGET, body)

    assert door.event["properties"]["hook"]["config"]["url"] == "https://gw/v1/webhook?writeKey=***"


def test_the_entries_of_a_list_and_forms_are_without_the_key() -> None:
    lists = Door(shop("$.items[*]", fields={"properties": {"own": "@", "all": "$"}}))
    forms = Door(shop(fields={"properties": "$"}))

    lists.post(TARGET, {"kind": "S", "who": "u", "writeKey": "shop", "items": [{"token": "shop"}]})
    forms.post(TARGET, b"kind=S&who=u&token=shop", Content_Type="application/x-www-form-urlencoded")

    assert lists.event["properties"]["own"] == {}
    assert b'"token"' not in lists.journal.lines[0]
    assert forms.event["properties"] == {"kind": "S", "who": "u"}
