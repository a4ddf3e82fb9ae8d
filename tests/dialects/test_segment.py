"""The Segment dialect: one event, or a batch, as shipped clients send them."""

import base64
from typing import Any

import pytest

from gateway.errors import JournalUnavailable
from gateway.event import TYPES
from gateway.sources import Source
from tests.build import Door, track
from tests.fakes import MemoryJournal

COMPLETE = {"userId": "u1", "event": "Ordered", "groupId": "g1", "previousId": "u0"}


@pytest.mark.parametrize("type", sorted(TYPES))
@pytest.mark.parametrize("shape", ["/v1/{}", "/{}", "/v1/{}/", "//v1/{}", "/v1/v1/{}"])
def test_the_route_decides_the_type(type: str, shape: str) -> None:
    long, short = Door(), Door()

    long.post(shape.format(type), {**COMPLETE, "type": "another"})
    short.post(shape.format(type[0]), COMPLETE)

    assert (long.event["type"], short.event["type"]) == (type, type)
    assert long.event["source"] == {"name": "default", "dialect": "segment", "route": f"/v1/{type}"}


@pytest.mark.parametrize(
    "path", ["/v1/batch", "/v1/b", "/v1/import", "/batch", "/b", "/import", "/v1/batch/"]
)
def test_a_batch_has_several_routes(path: str) -> None:
    door = Door()

    answer = door.post(path, {"batch": [track(messageId="m1"), track(messageId="m2")]})

    assert answer.status == 200
    assert [event["messageId"] for event in door.events] == ["m1", "m2"]


@pytest.mark.parametrize("path", ["/beacon/v1/batch", "/beacon/batch"])
def test_a_beacon_brings_its_key_in_the_query(path: str) -> None:
    door = Door()

    answer = door.post(f"{path}?writeKey=dev", {"batch": [track()]}, X_Write_Key="")

    assert (answer.status, door.event["event"]) == (200, "Ordered")


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""]
)
def test_the_content_type_says_nothing(type: str) -> None:
    answer = Door().post("/v1/track", track(), Content_Type=type)

    assert answer.status == 200


def test_one_event_is_answered_with_success() -> None:
    answer = Door().post("/v1/track", track())

    assert (answer.status, answer.body) == (200, b'{"success": true}')
    assert answer.headers["x-durability"] == "fsync"


def test_an_array_is_a_batch() -> None:
    door = Door()

    answer = door.post("/v1/batch", [track(messageId="m1"), 1])

    assert (answer.status, answer.json["Accepted"], answer.json["Errors"][0]["Index"]) == (207, 1, 1)
    assert door.event["messageId"] == "m1"


def test_one_object_on_the_route_of_batches_is_one_event() -> None:
    door = Door()

    good = door.post("/v1/batch", track())
    bad = door.post("/v1/batch", track(type="other"))

    assert (good.json, door.event["type"]) == ({"success": True}, "track")
    assert (bad.status, bad.json["code"], "Errors" in bad.json) == (400, "unknown_type", False)


def test_an_accepted_batch_is_accounted_for() -> None:
    answer = Door().post("/v1/batch", {"batch": [track(), track()]})

    assert answer.status == 200
    assert answer.json == {"success": True, "Success": True, "Accepted": 2, "Rejected": 0, "Errors": []}


def test_a_mixed_batch_says_what_was_wrong_and_where() -> None:
    door = Door()

    answer = door.post("/v1/batch", {"batch": [track(), {"type": "track", "userId": "u", "messageId": "m2"}]})

    missing = "A track event needs an event name"
    assert answer.status == 207
    assert answer.json == {
        "success": False,
        "Success": False,
        "Accepted": 1,
        "Rejected": 1,
        "code": "missing_event",
        "message": missing,
        "Errors": [
            {
                "Error": "Bad Request",
                "Message": missing,
                "Details": "",
                "code": "missing_event",
                "Index": 1,
                "MessageId": "m2",
            }
        ],
    }
    assert len(door.events) == 1


def test_an_error_of_an_event_without_a_name_names_none() -> None:
    answer = Door().post("/v1/batch", {"batch": [{"type": "track", "userId": "u"}]})

    assert (answer.status, answer.json["Errors"][0]["MessageId"]) == (400, None)


@pytest.mark.parametrize("batch", [[], {}, None, "x"], ids=repr)
def test_a_batch_without_events_is_refused(batch: Any) -> None:
    answer = Door().post("/v1/batch", {"batch": batch})

    assert (answer.status, answer.json["code"], answer.json["Accepted"]) == (400, "empty_batch", 0)


def test_an_unknown_write_key_is_told_in_the_documented_words() -> None:
    door = Door()

    answers = [
        door.post("/v1/track", track(), X_Write_Key="unknown"),
        door.post("/v1/batch", {"batch": [track(), track()]}, X_Write_Key="unknown"),
        door.post("/v1/batch", {"batch": []}, X_Write_Key="unknown"),
        door.post("/v1/track", track(), X_Write_Key=""),
    ]

    assert {answer.status for answer in answers} == {400}
    assert answers[0].json == {
        "Error": "Bad Request",
        "Message": "Invalid or missing writekey",
        "Details": "",
        "code": "unknown_write_key",
        "message": "Invalid or missing writekey",
    }
    assert [answer.json for answer in answers] == [answers[0].json] * 4
    assert door.events == []


def test_a_call_that_is_too_large_is_told_in_the_documented_words() -> None:
    door = Door()

    answer = door.post("/v1/track", track(properties={"x": "x" * 15 * 1024}))

    assert answer.status == 413
    assert answer.json == {
        "Error": "Request Entity Too Large",
        "Message": "Error reading request body",
        "Details": "HTTP request too large",
        "code": "body_too_large",
        "message": "Error reading request body",
    }
    assert (door.events, "x-durability" in answer.headers) == ([], False)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_a_journal_that_cannot_write_is_told_with_when_to_come_back(path: str) -> None:
    door = Door(journal=MemoryJournal(JournalUnavailable()))

    answer = door.post(path, {"batch": [track()]} if path == "/v1/batch" else track())

    assert (answer.status, answer.json["code"]) == (503, "journal_unavailable")
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-reset"]) == ("1", "1")
    assert "x-durability" not in answer.headers


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("field", "envelope", "header", "credentials", "query", "winner"),
    [
        ("a", "b", "c", "d", "e", "a"),
        ("", "b", "c", "d", "e", "b"),
        ("", "", "c", "d", "e", "c"),
        ("", "", "", "d", "e", "d"),
        ("", "", "", "", "e", "e"),
    ],
    ids=["event", "batch", "X-Write-Key", "Basic", "query"],
)
def test_the_first_write_key_found_wins(
    field: str, envelope: str, header: str, credentials: str, query: str, winner: str
) -> None:
    door = Door(*[Source(name, (name,)) for name in "abcde"])
    event = track(writeKey=field) if field else track()
    body = {"batch": [event], "writeKey": envelope} if envelope else {"batch": [event]}
    authorization = basic(credentials + ":") if credentials else ""

    door.post(f"/v1/batch?writeKey={query}", body, X_Write_Key=header, Authorization=authorization)

    assert door.event["source"]["name"] == winner


@pytest.mark.parametrize(
    "credentials",
    [basic("dev:"), basic("dev"), basic("dev:pass:word"), basic("dev:").rstrip("="), "basic ZGV2Og=="],
    ids=["with a colon", "without", "with a password", "not padded", "in lower case"],
)
def test_basic_authorization_names_the_key(credentials: str) -> None:
    answer = Door().post("/v1/track", track(), X_Write_Key="", Authorization=credentials)

    assert answer.status == 200


@pytest.mark.parametrize(
    "key", ["ключ", "a b", "a:b", "x" * 10_000], ids=["Cyrillic", "space", "colon", "long"]
)
def test_keys_have_no_character_rule(key: str) -> None:
    door = Door(Source("website", (key,)))

    answer = door.post("/v1/track", track(writeKey=key), X_Write_Key="")

    assert (answer.status, door.event["source"]["name"]) == (200, "website")


def test_what_a_batch_says_once_counts_for_all_its_events() -> None:
    door = Door()
    envelope = {
        "context": {"app": {"name": "shop", "build": 1}, "locale": "fr"},
        "integrations": {"All": False, "archive": {"a": 1}},
        "sentAt": "2026-11-21T12:00:01.000Z",
    }
    own = {"context": {"app": {"name": "mine"}}, "integrations": {"archive": {"b": 2}}}

    door.post("/v1/batch", {**envelope, "batch": [track(), track(**own, sentAt="2026-11-21T12:00:02Z")]})

    [plain, special] = door.events
    assert (plain["context"], plain["integrations"]) == (envelope["context"], envelope["integrations"])
    assert special["context"] == {"app": {"name": "mine", "build": 1}, "locale": "fr"}
    assert special["integrations"] == {"All": False, "archive": {"b": 2}}
    assert [plain["sentAt"], special["sentAt"]] == ["2026-11-21T12:00:01.000Z", "2026-11-21T12:00:02.000Z"]


@pytest.mark.parametrize(
    ("own", "inherits"),
    [
        ({}, True),
        ({"sentAt": "2026-11-21T12:00:00.000Z"}, True),
        ({"timestamp": "2025-01-01T00:00:00.000Z"}, False),
        ({"originalTimestamp": "2025-01-01T00:00:00.000Z"}, False),
    ],
    ids=["none", "sentAt", "timestamp", "originalTimestamp"],
)
def test_the_time_of_a_batch_is_for_events_without_one(own: dict[str, str], inherits: bool) -> None:
    door = Door()

    door.post(
        "/v1/batch", {"timestamp": "2024-01-01T00:00:00.000Z", "batch": [track(**own)]}, X_Retry_Count="1"
    )

    year = "2024" if inherits else "2025"
    assert door.event["timestamp"] == f"{year}-01-01T00:00:00.000Z"


def test_what_else_clients_put_beside_a_batch_says_nothing() -> None:
    door = Door()

    answer = door.post("/v1/batch", {"batch": [track()], "messageId": "m9", "sequence": 7, "maxRetries": 3})

    assert (answer.status, "extras" in door.event, door.event["messageId"] == "m9") == (200, False, False)
