"""Jitsu's routes: the Segment spec with a path for each type."""

from typing import Any

import pytest

from gateway.sources import Source
from tests.build import Door, track

SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "e": "track"}
PERSON = {"userId": "u1", "event": "Ordered", "groupId": "g1", "previousId": "a1"}


@pytest.mark.parametrize("above", ["/api/s", "/api/s/s2s"])
@pytest.mark.parametrize(("name", "type"), [*SHORT.items(), *((name, name) for name in SHORT.values())])
def test_the_route_decides_the_type(above: str, name: str, type: str) -> None:
    door = Door()

    answer = door.post(f"{above}/{name}", {**PERSON, "type": "other"})

    assert (answer.status, answer.json) == (200, {"ok": True, "success": True})
    assert (door.event["type"], door.event["source"]["dialect"]) == (type, "jitsu")


@pytest.mark.parametrize("key", ["dev", "dev:secret", "dev:a:b", "dev:"])
def test_the_key_stands_before_the_colon(key: str) -> None:
    door = Door()

    answer = door.post("/api/s/track", track(), X_Write_Key=key)

    assert (answer.status, len(door.events)) == (200, 1)


@pytest.mark.parametrize(
    "body",
    [
        track(writeKey="dev:***"),
        track(writeKey="theirs"),
        {"batch": [track(writeKey="theirs")], "writeKey": "theirs"},
        {"batch": [track(writeKey="theirs", userId=7)], "writeKey": "theirs"},
    ],
    ids=["masked", "another source's", "of a batch", "of a batch with a number for a text"],
)
def test_no_key_in_the_body_counts_or_is_kept(body: dict[str, Any]) -> None:
    door = Door(Source("ours", ("dev",)), Source("theirs", ("theirs",)))
    route = "/api/s/s2s/batch" if "batch" in body else "/api/s/track"

    answer = door.post(route, body, X_Write_Key="dev:secret")

    assert (answer.status, door.event["source"]["name"]) == (200, "ours")
    assert b"theirs" not in door.journal.lines[0]


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/api/s/track", {"Authorization": "Basic ZGV2OnNlY3JldA=="}),
        ("/api/s/track?writekey=dev:secret", {}),
    ],
    ids=["Basic", "the query"],
)
def test_without_its_header_the_key_is_looked_for_elsewhere(target: str, headers: dict[str, str]) -> None:
    door = Door()

    door.request("POST", target, b'{"userId":"u1","event":"Ordered"}', headers)

    assert len(door.events) == 1


def test_a_batch_is_judged_event_by_event() -> None:
    door = Door()

    answer = door.post("/api/s/s2s/batch", {"batch": [track(messageId="good"), {"type": "track"}]})

    assert (answer.status, answer.json["Accepted"], answer.json["Rejected"]) == (207, 1, 1)
    assert [event["messageId"] for event in door.events] == ["good"]


def test_a_good_batch_is_answered_as_its_client_expects() -> None:
    answer = Door().post("/api/s/s2s/batch", {"batch": [track(), track()]})

    assert (answer.status, answer.json) == (200, {"ok": True, "success": True})


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [(track(event=""), "dev", "missing_event"), (track(), "nobody:x", "unknown_write_key")],
    ids=["an event", "a key"],
)
def test_a_refusal_is_told_as_on_segments_routes(body: Any, key: str, code: str) -> None:
    answer = Door().post("/api/s/track", body, X_Write_Key=key)

    assert (answer.status, answer.json["code"]) == (400, code)
