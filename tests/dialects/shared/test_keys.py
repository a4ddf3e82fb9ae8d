"""Where a write key may be, and where it may not be afterwards."""

import base64
import json
from typing import Any

import pytest

from gateway.dialects.shared import keys
from gateway.sources import Source
from tests.build import Door, to_json, track


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/v1/track?writeKey=dev", {"Authorization": basic("guest:secret")}),
        ("/v1/track?writeKey=dev", {"Authorization": basic("known:secret")}),
        ("/v1/track", {"Authorization": basic("known:secret"), "X-Write-Key": "dev"}),
        ("/v1/webhook?writeKey=dev", {"Authorization": basic("guest:secret")}),
        ("/api/s/track?writeKey=dev:x", {"Authorization": basic("known:secret")}),
    ],
    ids=["behind a login", "whose user is a key", "beside a header", "a webhook", "Jitsu"],
)
def test_somebody_elses_login_is_no_key(target: str, headers: dict[str, str]) -> None:
    door = Door(Source("default", ("dev",)), Source("other", ("known",)))

    answer = door.request("POST", target, to_json(track()), headers)

    assert (answer.status, door.event["source"]["name"]) == (200, "default")


@pytest.mark.parametrize("path", ["/v1/track", "/v1/webhook", "/api/s/track"])
def test_without_any_other_key_the_user_of_a_login_is_one(path: str) -> None:
    door = Door()

    answer = door.request("POST", path, to_json(track()), {"Authorization": basic("dev:secret")})

    assert (answer.status, len(door.events)) == (200, 1)


def test_a_login_counts_after_the_key_of_an_event() -> None:
    door = Door(Source("default", ("dev",)), Source("other", ("known",)))

    door.request(
        "POST", "/v1/track", to_json(track(writeKey="dev")), {"Authorization": basic("known:secret")}
    )

    assert door.event["source"]["name"] == "default"


SECRET = 'k+/=é"y'  # what JSON may write in several ways


@pytest.mark.parametrize("key", ["a-secret_1", SECRET], ids=["plain", "with all that JSON escapes"])
@pytest.mark.parametrize(
    "copies",
    [
        {"properties": {"writeKey": "KEY"}},
        {"properties": {"a": 1, "write_key": "KEY", "b": 2}},
        {"properties": {"write-key": "KEY", "token": "KEY", "a": 1}},
        {"properties": {"a": 1, "WriteKey": "KEY", "tc_skey": "KEY", "TC_SKEY": "KEY"}},
        {"context": {"writeKey": "KEY", "app": {"token": "KEY"}}},
        {"traits": {"a": [{"write_key": "KEY"}]}},
        {"token": "KEY"},
        {"tc_skey": "KEY", "section": {"write-key": "KEY", "b": 2}},
        {"write_key": "KEY"},
        {"integrations": {"archive": {"token": "KEY"}}},
    ],
    ids=lambda copies: json.dumps(copies)[:40],
)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/v1/webhook?x=1", "/api/s/track"])
def test_a_key_is_removed_wherever_it_was_copied_to(path: str, key: str, copies: dict[str, Any]) -> None:
    door = Door(Source("website", (key,)))
    event = json.loads(json.dumps(track(**copies)).replace('"KEY"', json.dumps(key)))
    body = {"batch": [event]} if path == "/v1/batch" else event
    headers = {"Authorization": basic(f"{key}:")}

    text = json.dumps(body)
    as_gson = text.replace("=", r"\u003d").replace("+", r"\u002B")

    answers = [
        door.request("POST", path, each.encode(), headers)
        for each in (text, json.dumps(body, ensure_ascii=False), text.replace("/", r"\/"), as_gson)
    ]

    assert [answer.status for answer in answers] == [200] * 4
    assert not any(
        each in json.dumps(door.events) for each in ("riteKey", "write", "token", "tc_skey", "TC_SKEY")
    )
    assert all(event["event"] == "Ordered" for event in door.events)


@pytest.mark.parametrize(
    "fields",
    [
        {"properties": {"token": "another", "writeKey": 7}},
        {"properties": {"name": "website-key", "tokens": "website-key"}},
        {"properties": {"text": '{"writeKey":"website-key"}'}},
        {"properties": {'a"writeKey': "website-key"}},
        {"properties": {"list": ["token", "website-key"]}},
        {"context": {"page": {"url": "https://a.example/?writeKey=website-key"}}},
    ],
    ids=["another value", "another name", "a text", "a longer name", "a list", "an address"],
)
def test_what_only_looks_like_a_key_stays(fields: dict[str, Any]) -> None:
    door = Door(Source("website", ("website-key",)))

    door.post("/v1/track", track(**fields), X_Write_Key="website-key")

    assert {name: door.event[name] for name in fields} == fields


def test_a_key_of_digits_is_removed_also_where_it_is_a_number() -> None:
    door = Door(Source("website", ("12345",)))
    copies = {"writeKey": 12345, "a": {"token": 12345}, "tc_skey": "12345", "token": 123456}

    answer = door.post("/v1/track", track(writeKey=12345, properties=copies), X_Write_Key="")

    assert (answer.status, door.event["properties"]) == (200, {"a": {}, "token": 123456})


def test_every_key_of_a_source_is_removed() -> None:
    door = Door(Source("website", ("new-key", "old-key")))

    door.post(
        "/v1/track", track(properties={"token": "old-key", "writeKey": "new-key"}), X_Write_Key="new-key"
    )

    assert door.event["properties"] == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"token":"k"}', "{}"),
        ('{"token":"k","writeKey":"k"}', "{}"),
        ('{"a":1,"token":"k"}', '{"a":1}'),
        ('{"token":"k","a":1}', '{"a":1}'),
        ('{"token":"k","writeKey":"k","a":1,"write_key":"k","tc_skey":"k"}', '{"a":1}'),
        ('{"a":1,"token":"k","b":2}', '{"a":1,"b":2}'),
        ('{"a":1,"token":"k","writeKey":"k","b":{"token":"k"}}', '{"a":1,"b":{}}'),
        ('{"a":1 , "token" : "k" }', '{"a":1}'),
        ('{ "token" : "k" , "a":1}', '{ "a":1}'),
        ('{"a":"b","token":"k"}\n{"token":"k"}', '{"a":"b"}\n{}'),
        ('{"a":"\\\\","token":"k"}', '{"a":"\\\\"}'),
        ('{"name":"k","token":"k"}\n{"name":"k"}', '{"name":"k"}\n{"name":"k"}'),
    ],
)
def test_what_is_left_of_an_object_is_one(before: str, after: str) -> None:
    erased = keys.eraser(("k",))(before.encode()).decode()

    assert [json.loads(line) for line in erased.split("\n")] == [
        json.loads(line) for line in after.split("\n")
    ]
