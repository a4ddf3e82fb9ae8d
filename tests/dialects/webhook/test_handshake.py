"""Requests that ask only whether a webhook's address works, through the front door."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.config.secret import Secrets
from gateway.sources import Source
from tests.build import Door, to_json, track
from tests.dialects.webhook.shops import TARGET, shop

DEV = "/v1/webhook?writeKey=dev"
SUCCESS = {"success": True}
SOURCES = {
    "no table": (Source("default", ("dev",)), DEV),
    "a table": (shop(), TARGET),
    "a table of a list": (shop("$.items[*]"), TARGET),
    "a secret": (Source("default", ("dev",), webhook_secret=Secrets.parse("hush")), DEV),
    "a table and a secret": (shop(signature="github", webhook_secret="hush"), TARGET),
}
each_source = pytest.mark.parametrize(("source", "target"), SOURCES.values(), ids=SOURCES.keys())


def signed(body: bytes) -> dict[str, str]:
    """The headers of Segment and of GitHub."""
    return {
        "X-Segment-Signature": hmac.new(b"hush", body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(b"hush", body, hashlib.sha256).hexdigest(),
    }


@each_source
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_address_is_a_success(source: Source, target: str, method: str) -> None:
    door = Door(source)

    answer = door.request(method, target)

    assert (answer.status, answer.json, door.events) == (200, SUCCESS, [])
    assert "x-durability" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "target",
    ["/v1/webhook", "/v1/w/", "/webhook?writeKey=unknown", "/v1/custom/event", "/v1/w?" + "a&" * 1001],
    ids=["no key", "a slash", "an unknown key", "custom", "a thousand parameters"],
)
def test_the_address_answers_before_there_is_a_source_for_it(method: str, target: str) -> None:
    assert Door().request(method, target, b"", {"Content-Type": "multipart/form-data"}).status == 200


@each_source
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b" [ ]\r\n", b"{\n}", b"payload=%7B%7D", b"mandrill_events=%5B%5D"]
)
def test_a_test_without_an_event_is_a_success(source: Source, target: str, method: str, body: bytes) -> None:
    door = Door(source)
    headers = {"Content-Type": "application/x-www-form-urlencoded", **signed(body)}

    answer = door.request(method, target, body, headers)

    assert (answer.status, answer.json, door.events) == (200, SUCCESS, [])
    assert "x-durability" not in answer.headers


def test_a_list_without_entries_is_a_success() -> None:
    door = Door(shop("$.items[*]"))

    answer = door.post(TARGET, {"items": [], "who": "u1"})

    assert (answer.status, answer.json, door.events) == (200, SUCCESS, [])


@pytest.mark.parametrize(
    "body", [b'{"batch":[]}', b'{"items":{}}', b"[[]]", b"[{}]", b'""', b"null", b"0", b"", b"{} {}"]
)
def test_what_is_not_empty_json_is_not_a_test(body: bytes) -> None:
    answers = [Door().post(DEV, body), Door(shop("$.items[*]")).post(TARGET, body)]

    assert [answer.status for answer in answers] == [400, 400]


@pytest.mark.parametrize("body", [b"{}", b'{"challenge":"c"}'], ids=["a test", "a challenge"])
def test_an_unknown_key_is_told_all_the_same(body: bytes) -> None:
    off = Source("off", ("off",), enabled=False)

    answers = [
        Door(off).post(f"/v1/webhook?writeKey={key}", body, X_Write_Key="") for key in ("", "x", "off")
    ]

    assert [answer.json["code"] for answer in answers] == [
        "unknown_write_key",
        "unknown_write_key",
        "source_disabled",
    ]


@pytest.mark.parametrize("source", ["a secret", "a table and a secret"])
@pytest.mark.parametrize("body", [b"{}", b'{"challenge":"c"}'], ids=["a test", "a challenge"])
def test_a_test_is_signed_as_all_are(source: str, body: bytes) -> None:
    known, target = SOURCES[source]

    answer = Door(known).post(target, body)

    assert (answer.status, answer.json["code"]) == (400, "bad_signature")


@each_source
@pytest.mark.parametrize(
    "body",
    [
        {"token": "t", "challenge": "3eZbrw1aB", "type": "url_verification"},
        {"challenge": "3eZbrw1aB"},
        {"type": "url_verification", "challenge": "</script><script>alert(1)</script>é"},
        b'{ "challenge" : "\\u0033eZbrw1aB" }',
        b"challenge=3eZbrw1aB",
    ],
    ids=["Slack's", "monday.com's", "markup", "spaced", "a form"],
)
def test_a_challenge_in_the_body_is_repeated_as_json(source: Source, target: str, body: Any) -> None:
    door = Door(source)
    sent = to_json(body)
    headers = {"Content-Type": "application/x-www-form-urlencoded", **signed(sent)}

    answer = door.request("POST", target, sent, headers)

    challenge = json.loads(sent)["challenge"] if sent[:1] == b"{" else "3eZbrw1aB"
    assert (answer.status, answer.json, door.events) == (200, {"challenge": challenge}, [])
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        {"challenge": "c", "kind": "Sold", "who": "u1"},
        {"challenge": "c", "type": "duel", "kind": "Sold", "who": "u1"},
        {"challenge": {"id": 1}, "type": "url_verification", "kind": "Sold", "who": "u1"},
        {"challenge": "", "type": "url_verification", "kind": "Sold", "who": "u1"},
        {"challenge": "c" * 1025, "type": "url_verification", "kind": "Sold", "who": "u1"},
    ],
    ids=["beside other fields", "of another type", "an object", "empty", "too long"],
)
def test_an_event_about_a_challenge_is_an_event(body: dict[str, Any]) -> None:
    door = Door(shop(fields={"properties": "$"}))

    answer = door.post(TARGET, body)

    assert (answer.status, door.event["properties"]) == (200, body)


def test_a_challenge_may_have_1024_characters() -> None:
    answer = Door().post(DEV, {"challenge": "ä" * 1024})

    assert answer.json == {"challenge": "ä" * 1024}


@pytest.mark.parametrize(
    ("method", "query", "challenge"),
    [
        ("GET", "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t", "1158201444"),
        ("GET", "hub.challenge=x-Y_z.~1%2B2%3D", "x-Y_z.~1+2="),
        ("GET", "challenge=b9f6a4d3-1c2e", "b9f6a4d3-1c2e"),
        ("POST", "validationToken=Validation%3A+Request-Id%3A+522a8e7e", "Validation: Request-Id: 522a8e7e"),
        ("PUT", "hub.challenge=c", "c"),
    ],
    ids=["Meta's", "WebSub's", "Dropbox's", "Microsoft Graph's", "PUT"],
)
def test_a_challenge_in_the_query_is_repeated_as_plain_text(method: str, query: str, challenge: str) -> None:
    door = Door()

    answer = door.request(method, f"{DEV}&{query}")

    assert (answer.status, answer.body, door.events) == (200, challenge.encode(), [])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "challenge",
    [*(f"a{each}b" for each in "<>&\"'`\\\n\r\t\0\x7fé"), "<script>alert(1)</script>", "", "c" * 1025],
    ids=lambda challenge: repr(challenge[:10]),
)
def test_a_challenge_that_a_browser_might_render_is_not_repeated(challenge: str) -> None:
    answer = Door().request("GET", f"{DEV}&hub.challenge={quote(challenge)}")

    assert (answer.status, answer.json) == (200, SUCCESS)


def test_a_challenge_in_the_query_of_an_event_does_not_cost_the_event() -> None:
    door = Door()

    answer = door.post(f"{DEV}&hub.challenge=c&challenge=d", track())

    assert (answer.json, door.event["event"]) == (SUCCESS, "Ordered")


def test_a_custom_event_may_be_empty_but_for_its_metadata() -> None:
    door = Door()
    target = "/v1/custom/event?writeKey=dev&eventName=E&userID=u1"

    answers = [door.post(target, body) for body in ({}, {"challenge": "c"})]

    assert [answer.json for answer in answers] == [SUCCESS, SUCCESS]
    assert [event["properties"] for event in door.events] == [{}, {"challenge": "c"}]


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        ({}, "", SUCCESS),
        ([], "", SUCCESS),
        ({"challenge": "c"}, "", {"challenge": "c"}),
        ({"challenge": "c", "type": "url_verification"}, "&eventName=E", {"challenge": "c"}),
    ],
    ids=["an object", "a list", "a challenge", "a challenge that says so"],
)
def test_custom_events_have_tests_and_challenges_too(body: Any, query: str, expected: Any) -> None:
    door = Door()

    answer = door.post(f"/v1/custom/event?writeKey=dev{query}", body)

    assert (answer.status, answer.json, door.events) == (200, expected, [])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("source", "target", "body"),
    [
        (Source("default", ("dev",)), DEV, track()),
        (shop(), TARGET, {"kind": "Ordered", "who": "u1"}),
        (
            Source("default", ("dev",)),
            "/v1/custom/event",
            {"_metarouter": {"writeKey": "dev", "eventName": "Ordered", "userID": "u1"}},
        ),
    ],
    ids=["the Segment spec", "a table", "custom"],
)
def test_an_event_may_be_put_or_patched(method: str, source: Source, target: str, body: Any) -> None:
    door = Door(source)

    answer = door.request(method, target, to_json(body))

    assert (answer.status, door.event["event"], answer.headers["x-durability"]) == (200, "Ordered", "fsync")


def test_a_body_that_is_put_is_bounded_as_any() -> None:
    answer = Door().request("PUT", DEV, to_json(track(properties={"x": "x" * 16_000})))

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
