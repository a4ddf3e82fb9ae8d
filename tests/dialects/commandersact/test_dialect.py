"""Commanders Act's events: who may send them, what is answered, and what of them is kept."""

import json
from typing import Any

import pytest

from gateway.errors import JournalUnavailable
from gateway.sources import Source
from tests.build import Door, to_json
from tests.fakes import MemoryJournal

SITE = Source("shop", ("key+/==",), site_id="29")
V2 = {
    "event_name": "search",
    "search_term": "shirts",
    "user": {
        "id": "1",
        "consistent_anonymous_id": "2",
        "email": "a@b.example",
        "consent_categories": ["1", "3"],
    },
    "context": {
        "event_id": "202110130000000000",
        "event_timestamp": "1639044446636",
        "page": {"title": "Search", "url": "https://shop.example/search?q=x#top", "lang": "en"},
        "device": {"user_agent": "Mozilla/5.0", "ip": "192.0.2.7", "lang": "fr", "cookie": "_ga=7"},
    },
}
V1 = {
    "event_name": "search",
    "event_id": "202110130000000000",
    "event_timestamp": "1639044446636",
    "properties": {"search_term": "shirts", "user": V2["user"]},
    "page": {"title": "Search", "location": "https://shop.example/search?q=x#top", "lang": "en"},
    "device": V2["context"]["device"],  # type: ignore[index]  # of a literal of mixed types
}
TWIN_OF_V1 = {**V2, "context": {**V2["context"], "event_timestamp": "1639044446636"}}  # type: ignore[dict-item]  # as above
WEB_V1 = {
    "event": "search",
    "eventId": "202110130000000000",
    "properties": {"search_term": "shirts", "user": V2["user"], "created": "2021-12-09T10:07:26.636Z"},
    "page": {"title": "Search", "url": "https://shop.example/search?q=x#top", "lang": "en"},
    "device": V1["device"],
    "version": 1,
}


def send(door: Door, event: Any, target: str = "/events?token=dev", **headers: str) -> Any:
    return door.request("POST", target, to_json(event), headers)


def test_an_event_becomes_the_canonical_one() -> None:
    door = Door()

    answer = send(door, V2)

    event = door.event
    del event["receivedAt"]
    assert (answer.status, answer.body) == (200, b'{"success": true}')
    assert event == {
        "type": "track",
        "messageId": "202110130000000000",
        "userId": "1",
        "anonymousId": "2",
        "event": "search",
        "properties": {"search_term": "shirts"},
        "traits": {},
        "context": {
            "page": {
                **V2["context"]["page"],  # type: ignore[index]
                "path": "/search",
                "search": "?q=x",
                "hash": "#top",
            },
            "userAgent": "Mozilla/5.0",
            "ip": "192.0.2.7",
            "locale": "fr",
            "device": {"cookie": "_ga=7"},
            "consent": {"categoryPreferences": {"1": True, "3": True}, "granted": ["1", "3"]},
            "traits": {"email": "a@b.example"},
        },
        "integrations": {},
        "channel": "browser",
        "timestamp": "2021-12-09T10:07:26.636Z",
        "originalTimestamp": "2021-12-09T10:07:26.636Z",
        "source": {"name": "default", "dialect": "commandersact", "route": "/events"},
        "native": {"derived": ["context.page.path", "context.page.search", "context.page.hash"]},
    }


@pytest.mark.parametrize("old", [V1, WEB_V1], ids=["over HTTP", "from the web"])
def test_version_1_becomes_the_same_event_as_its_twin(old: dict[str, Any]) -> None:
    door = Door()

    send(door, TWIN_OF_V1)
    send(door, old)

    twin, event = door.events
    assert event.pop("source") == {**twin.pop("source"), "dialect": "commandersact.v1"}
    for each in (twin, event):
        del each["receivedAt"]
        each["properties"].pop("created", None)
        each["native"].pop("sent", None)
    assert event == twin


@pytest.mark.parametrize(
    ("event", "type", "name"),
    [
        ({"event_name": "page_view", "context": {"page": {"title": "t"}}}, "page", None),
        ({"event_name": "page_view", "context": {"app": {"name": "a"}}}, "screen", None),
        ({"event_name": "purchase", "context": {"app": {"name": "a"}}}, "track", "purchase"),
    ],
)
def test_a_view_is_a_page_or_a_screen(event: dict[str, Any], type: str, name: str | None) -> None:
    door = Door()

    send(door, event)

    assert (door.event["type"], door.event.get("event")) == (type, name)


def test_what_an_event_lacks_is_noted_and_costs_it_nothing() -> None:
    door = Door()

    answer = send(door, {"user": {}, "context": {}})

    assert answer.status == 200
    assert [warning["code"] for warning in door.event["warnings"]] == [
        "missing_event_id",
        "missing_event_timestamp",
        "missing_id",
        "missing_event_name",
    ]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"device": {"sdk_id": "s"}}, "s"),
        ({"device": {"cookie": "x=1; CAID=c;"}}, "c"),
        ({"device": {"cookie": "TCID=t"}}, "t"),
    ],
)
def test_another_id_of_the_device_takes_the_place_of_the_anonymous_one(context: Any, expected: str) -> None:
    door = Door()

    send(door, {"event_name": "a", "user": {"id": "1"}, "context": context})

    assert door.event["anonymousId"] == expected
    assert "anonymous_id_assumed" in [warning["code"] for warning in door.event["warnings"]]


@pytest.mark.parametrize(
    ("categories", "granted"),
    [([1, 3], ["1", "3"]), (["10019"], ["10019"]), ("ALL", ["ALL"]), ([], [])],
    ids=str,
)
def test_categories_are_texts(categories: Any, granted: list[str]) -> None:
    door = Door()

    send(door, {"event_name": "a", "user": {"consent_categories": categories}, "context": {}})

    consent = door.event["context"]["consent"]
    assert consent == {"categoryPreferences": dict.fromkeys(granted, True), "granted": granted}


def test_who_names_no_categories_has_granted_none() -> None:
    door = Door()

    send(door, {"event_name": "a", "context": {}})

    assert door.event["context"]["consent"] == {"categoryPreferences": {}}


@pytest.mark.parametrize(
    ("target", "headers", "stored"),
    [
        pytest.param("/events?tc_s=29&token=key%2B%2F%3D%3D", {}, 1, id="token"),
        pytest.param("/events?tc_s=29&token=key+/==", {}, 1, id="token that nobody escaped"),
        pytest.param("/events?tc_s=29", {"Authorization": "Bearer key+/=="}, 1, id="Bearer"),
        pytest.param("/events?tc_s=29&token=key+/==", {"Authorization": "Bearer key+/=="}, 1, id="both"),
        pytest.param("/events?tc_s=29&token=key+/==", {"Authorization": "Bearer x"}, 0, id="two that differ"),
        pytest.param("/events?tc_s=30&token=key+/==", {}, 0, id="another site"),
        pytest.param("/events?token=key+/==", {}, 0, id="no site"),
        pytest.param("/events?tc_s=29", {}, 0, id="no key"),
    ],
)
def test_a_site_has_its_key(target: str, headers: dict[str, str], stored: int) -> None:
    door = Door(SITE)

    answer = door.request("POST", target, to_json(V2), headers)

    assert (answer.status, len(door.events)) == (200, stored)
    assert answer.headers.get("x-gateway-error") == (None if stored else "unknown_write_key")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"{", "unreadable_body", id="cut off"),
        pytest.param(b"", "unreadable_body", id="empty"),
        pytest.param(b"[]", "not_an_object", id="a list"),
        pytest.param(b'{"event_name":"%b"}' % (b"x" * 33_000), "body_too_large", id="too large"),
    ],
)
def test_only_what_the_documents_except_is_no_200(body: bytes, code: str) -> None:
    door = Door()

    answer = send(door, body, "/events?token=unknown" if code == "unreadable_body" else "/events?token=dev")

    assert (answer.status, answer.headers["x-gateway-error"], answer.json["code"]) == (400, code, code)
    assert door.events == []


def test_trouble_of_ours_is_told() -> None:
    answer = send(Door(journal=MemoryJournal(JournalUnavailable())), V2)

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_no_event_of_a_batch_costs_its_neighbours() -> None:
    door = Door()
    large = {"event_name": "large", "x": "x" * 33_000}
    batch = {"batch": [1, large, V2, {"event_name": "odd", "x": float("nan"), "context": {}}]}

    answer = send(door, json.dumps(batch).encode(), "/events/batch?token=dev")

    assert (answer.status, answer.body) == (200, b'{"success": true}')
    assert answer.headers["x-gateway-error"] == "not_an_object"
    assert [event["event"] for event in door.events] == ["search", "odd"]


@pytest.mark.parametrize("body", [{}, {"batch": []}, {"batch": {}}], ids=str)
def test_a_batch_without_events_is_answered_200(body: Any) -> None:
    answer = send(Door(), body, "/events/batch?token=dev")

    assert (answer.status, answer.headers["x-gateway-error"]) == (200, "empty_batch")


def test_a_batch_whose_name_is_not_utf8_cannot_be_read() -> None:
    answer = send(Door(), b'{"b\xfftch":[{"event_name":"a"}]}', "/events/batch?token=dev")

    assert (answer.status, answer.headers["x-gateway-error"]) == (400, "unreadable_body")


@pytest.mark.parametrize("path", ["/events", "/cdp/events", "/v1/events", "//events/"])
def test_an_image_carries_an_event(path: str) -> None:
    door = Door(SITE)
    query = "tc_s=29&token=key%2B/==&event_name=page_view&user[id]=1&user%5Bconsent_categories%5D[]=3"

    answer = door.request("GET", f"{path}?{query}", b"", {"User-Agent": "Browser"})

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert (door.event["type"], door.event["userId"]) == ("page", "1")
    assert door.event["context"]["consent"]["granted"] == ["3"]
    assert door.event["context"]["userAgent"] == "Browser"
    assert "token" not in door.event["properties"]


def test_an_image_is_an_image_whatever_was_wrong() -> None:
    answer = Door(SITE).request("GET", "/events?tc_s=29&token=x", b"", {})

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["x-gateway-error"] == "unknown_write_key"
