"""Whatever route an event takes and wherever its key stands, it arrives."""

import json
from typing import Any

import pytest

from gateway.sources import Source
from tests.build import Door, to_json

EVENT = {"event_name": "a", "user": {"id": "1"}, "context": {"event_id": "e"}}
EVENT_V1 = {"event_name": "a", "event_id": "e", "properties": {"user": {"id": "1"}}}
ROUTES = ["/events", "/events/batch", "/cdp/events", "/cdp/events/batch"]
each_route = pytest.mark.parametrize("route", ROUTES)


def send(door: Door, route: str, body: Any) -> Any:
    answer = door.request("POST", f"{route}?token=dev", to_json(body))
    return answer.status, answer.headers.get("x-gateway-error"), [event.get("event") for event in door.events]


@each_route
@pytest.mark.parametrize(
    ("body", "stored"),
    [
        pytest.param({"batch": [EVENT, EVENT]}, ["a", "a"], id="a batch"),
        pytest.param({"batch": [EVENT], "user": {}, "sent": 1}, ["a"], id="a batch with other fields"),
        pytest.param({"batch": {"0": EVENT, "2": EVENT}}, ["a", "a"], id="a list with holes, by PHP"),
        pytest.param({"batch": EVENT}, ["a"], id="a list of one, from XML"),
        pytest.param(EVENT, ["a"], id="an event"),
        pytest.param(EVENT_V1, ["a"], id="an event of version 1.0"),
        pytest.param({"event": "a", "properties": {}}, ["a"], id="an event of 2021"),
        pytest.param({"user": {"id": "1"}}, [None], id="an event without a name"),
        pytest.param({**EVENT, "batch": "B7"}, ["a"], id="an event with a batch number"),
    ],
)
def test_a_body_is_what_it_is_on_every_route(route: str, body: Any, stored: list[str | None]) -> None:
    assert send(Door(), route, body) == (200, None, stored)


@pytest.mark.parametrize("route", ["/events", "/cdp/events"])
def test_an_event_may_have_a_list_of_that_name(route: str) -> None:
    door = Door()

    assert send(door, route, {**EVENT, "batch": [{"id": 1}]}) == (200, None, ["a"])
    assert door.event["properties"] == {"batch": [{"id": 1}]}


@each_route
@pytest.mark.parametrize("body", [{"batch": []}, {"batch": {}}], ids=str)
def test_a_batch_of_nothing_is_no_event(route: str, body: Any) -> None:
    assert send(Door(), route, body) == (200, "empty_batch", [])


@each_route
@pytest.mark.parametrize("batch", [[EVENT, 1, EVENT], [EVENT, {**EVENT, "x": "x" * 33_000}, EVENT]], ids=len)
def test_an_entry_costs_itself_alone_on_every_route(route: str, batch: Any) -> None:
    status, code, stored = send(Door(), route, {"batch": batch})

    assert (status, stored) == (200, ["a", "a"])
    assert code in {"not_an_object", "event_too_large"}


@each_route
@pytest.mark.parametrize("steps", [None, ("0", "2")], ids=["a list", "a list with holes"])
def test_so_does_one_that_had_to_be_repaired(route: str, steps: tuple[str, str] | None) -> None:
    door = Door()
    events = [{**EVENT, "x": float("nan")}, EVENT]

    send(
        door,
        route,
        json.dumps({"batch": dict(zip(steps, events, strict=True)) if steps else events}).encode(),
    )

    first, second = door.events
    assert ("not_a_number", "x") in [(warning["code"], warning["field"]) for warning in first["warnings"]]
    assert "not_a_number" not in repr(second)


@each_route
@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null"], ids=bytes.decode)
def test_a_root_that_is_no_object_is_told(route: str, body: bytes) -> None:
    assert send(Door(), route, body) == (400, "not_an_object", [])


KEY = "k+/y z=="
SPELLINGS = {
    "escaped": "k%2B%2Fy%20z%3D%3D",
    "as it is": "k+/y%20z==",
    "partly escaped": "k+%2Fy%20z==",
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("name", ["token", "tc_skey"])
def test_a_key_stands_in_the_address(name: str, method: str, spelled: str) -> None:
    door = Door(Source("shop", (KEY,)))

    door.request(method, f"/events?tc_s=29&{name}={spelled}&event_name=a", to_json(EVENT))

    assert door.event["event"] == "a"
    assert "y z" not in repr(door.event)


@pytest.mark.parametrize(
    ("query", "bearer", "stored"),
    [
        pytest.param("tc_skey=dev", "", 1, id="tc_skey"),
        pytest.param("tc_skey=dev&token=", "", 1, id="tc_skey beside an empty token"),
        pytest.param("tc_skey=dev&token=dev", "bearer  dev ", 1, id="all the same"),
        pytest.param("tc_skey=dev&token=x", "", 0, id="two that differ"),
        pytest.param("tc_skey=dev", "Bearer x", 0, id="another in the header"),
        pytest.param("", "BEARER dev", 1, id="in the header alone"),
        pytest.param("", "Basic ZGV2Og==", 0, id="another scheme"),
        pytest.param("writeKey=dev", "", 0, id="another dialect's name"),
    ],
)
def test_keys_must_agree(query: str, bearer: str, stored: int) -> None:
    door = Door()

    answer = door.request("POST", f"/events?{query}", to_json(EVENT), {"Authorization": bearer})

    assert (answer.status, len(door.events)) == (200, stored)


@pytest.mark.parametrize(
    ("event", "field", "expected"),
    [
        pytest.param({"event_name": "", "event": "b"}, "event", "b", id="an empty name"),
        pytest.param({"event_name": None, "event": "b"}, "event", "b", id="a name that is null"),
        pytest.param({"event_id": "", "eventId": "f"}, "messageId", "f", id="an empty id"),
        pytest.param({"event_id": "e", "eventId": ""}, "messageId", "e", id="an empty alias"),
    ],
)
def test_an_empty_field_of_version_1_gives_way_to_its_alias(
    event: dict[str, Any], field: str, expected: str
) -> None:
    door = Door()

    send(door, "/events", {"properties": {}, **event})

    assert door.event[field] == expected


@pytest.mark.parametrize("inner", ["", None], ids=repr)
def test_an_empty_time_gives_way_to_that_of_the_root(inner: Any) -> None:
    door = Door()
    context = {"event_id": "e", "event_timestamp": inner}

    send(door, "/events", {**EVENT, "context": context, "event_timestamp": 1639044446636})

    assert door.event["timestamp"] == "2021-12-09T10:07:26.636Z"


@pytest.mark.parametrize(
    "page",
    [
        {"location": "https://shop.example/a"},
        {"location": {"href": "https://shop.example/a"}},
        {"url": "", "location": "https://shop.example/a"},
        {"url": None, "location": "https://shop.example/a"},
    ],
    ids=str,
)
@pytest.mark.parametrize("version", [1, 2])
def test_an_address_may_be_a_location(version: int, page: dict[str, Any]) -> None:
    door = Door()
    events = {1: {**EVENT_V1, "page": page}, 2: {**EVENT, "context": {"page": page}}}

    send(door, "/events", events[version])

    assert door.event["context"]["page"]["url"] == "https://shop.example/a"
    assert door.event["context"]["page"]["path"] == "/a"
