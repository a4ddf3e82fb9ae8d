"""An image whose address carries one event."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.errors import JournalUnavailable
from gateway.event import TYPES
from gateway.sources import Source
from tests.build import Door, to_json
from tests.fakes import MemoryJournal
from tests.gateway import Answer

EVENT = {"userId": "u1", "event": "Opened", "groupId": "g1", "previousId": "u0"}


def encode(event: dict[str, Any]) -> str:
    return base64.b64encode(to_json(event)).decode()


def get(door: Door, target: str, **headers: str) -> Answer:
    return door.request(
        "GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize("type", sorted(TYPES))
@pytest.mark.parametrize("shape", ["/v1/pixel/{}", "/pixel/{}", "/v1/pixel/{}/"])
def test_the_route_decides_the_type(type: str, shape: str) -> None:
    door = Door()

    answer = get(door, f"{shape.format(type)}?writeKey=dev&data={quote(encode(EVENT))}")

    assert (answer.status, door.event["type"]) == (200, type)
    assert (door.event["source"]["dialect"], door.event["source"]["route"]) == ("pixel", f"/v1/pixel/{type}")


def test_the_answer_is_a_tiny_image_that_nobody_keeps() -> None:
    answer = get(Door(), f"/v1/pixel/track?writeKey=dev&data={quote(encode(EVENT))}")

    assert (answer.headers["content-type"], len(answer.body), answer.body[:6]) == ("image/gif", 43, b"GIF89a")
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-durability"] == "fsync"
    assert "x-gateway-error" not in answer.headers


# Texts whose base64 has all letters in which the alphabets differ, and every length of padding.
SPECIAL = [{**EVENT, "event": "ÿ>>>???" + "x" * more} for more in range(3)]


@pytest.mark.parametrize("event", SPECIAL, ids=["long", "longer", "longest"])
@pytest.mark.parametrize(
    "spell",
    [
        lambda text: quote(text, safe=""),
        lambda text: text,
        lambda text: quote(text.rstrip("="), safe=""),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
        lambda text: quote(text[:40] + "\r\n" + text[40:]),
        lambda text: quote(base64.b64decode(text)),
    ],
    ids=[
        "escaped",
        "not escaped",
        "unpadded",
        "for addresses",
        "for addresses, unpadded",
        "in lines",
        "plain JSON",
    ],
)
def test_data_may_be_spelled_in_many_ways(event: dict[str, Any], spell: Any) -> None:
    door = Door()
    text = base64.b64encode(json.dumps(event, ensure_ascii=False).encode()).decode()
    assert "/" in text or "+" in text

    get(door, f"/v1/pixel/track?writeKey=dev&data={spell(text)}")

    assert door.event["event"] == event["event"]


def test_parameters_with_dots_make_objects() -> None:
    door = Door()

    get(
        door,
        "/v1/pixel/track?writeKey=dev&userId=u1&event=A+b&properties.price=1.50&properties.empty="
        "&context.page.url=https%3A%2F%2Fa.example%2F&context.page.title=T",
    )

    assert (door.event["userId"], door.event["event"]) == ("u1", "A b")
    assert door.event["properties"] == {"price": "1.50", "empty": ""}
    assert door.event["context"]["page"] == {"url": "https://a.example/", "title": "T"}
    assert "extras" not in door.event


def test_dots_nest_within_reason() -> None:
    door = Door()
    deep = "properties" + ".a" * 40

    answer = get(door, f"/v1/pixel/track?writeKey=dev&userId=u1&event=E&{deep}=1")

    assert (answer.status, answer.headers["x-gateway-error"], door.events) == (200, "invalid_field", [])


def test_a_name_that_is_both_a_value_and_an_object_is_one_of_them() -> None:
    door = Door()

    answer = get(door, "/v1/pixel/track?writeKey=dev&userId=u1&event=E&properties.a=1&properties.a.b=2")

    assert (answer.status, door.event["properties"]) == (200, {"a": {"b": "2"}})


def test_the_pixel_of_rudderstack_takes_parameters_only() -> None:
    door = Door()

    get(door, f"/pixel/v1/track?writeKey=dev&anonymousId=%22a1%22&event=E&data={quote(encode(EVENT))}")

    assert (door.event["anonymousId"], door.event["event"], "userId" in door.event) == ("a1", "E", False)


@pytest.mark.parametrize("place", ["event", "header", "Basic", "query"])
def test_the_first_write_key_found_wins(place: str) -> None:
    places = ["event", "header", "Basic", "query"]
    given = places[places.index(place) :]
    door = Door(*[Source(name, (name,)) for name in places])
    event = {**EVENT, "writeKey": "event"} if "event" in given else EVENT
    headers = {"X_Write_Key": "header"} if "header" in given else {}
    if "Basic" in given:
        headers["Authorization"] = "Basic " + base64.b64encode(b"Basic:").decode()

    get(door, f"/v1/pixel/track?writeKey=query&data={quote(encode(event))}", **headers)

    assert door.event["source"]["name"] == place


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"data={quote(encode(EVENT))}", "unknown_write_key"),
        (f"writeKey=other&data={quote(encode(EVENT))}", "unknown_write_key"),
        (f"writeKey=off&data={quote(encode(EVENT))}", "source_disabled"),
        ("writeKey=dev&data=!!", "unreadable_body"),
        ("writeKey=dev&data=", "unreadable_body"),
        ("writeKey=dev&data=" + quote(base64.b64encode(b'{"userId":')), "unreadable_body"),
        ("writeKey=dev&data=" + quote(base64.b64encode(b"[]")), "not_an_object"),
        ("writeKey=dev&userId=u1", "missing_event"),
        ("writeKey=dev&event=E", "missing_id"),
        ("writeKey=dev&userId=u1&event=E&properties=x", "invalid_field"),
        ("writeKey=dev&userId=u1&event=E&x=" + "&" * 2000 + "&".join(["a=1"] * 2000), "unreadable_body"),
    ],
    ids=[
        "no key",
        "unknown key",
        "disabled",
        "not base64",
        "empty",
        "cut off",
        "no object",
        "no name",
        "no id",
        "wrong type",
        "too many",
    ],
)
def test_whatever_was_wrong_a_page_gets_its_image(query: str, code: str) -> None:
    door = Door(Source("default", ("dev",)), Source("old", ("off",), enabled=False))

    answer = get(door, f"/v1/pixel/track?{query}")

    assert (answer.status, answer.headers["content-type"], len(answer.body)) == (200, "image/gif", 43)
    assert (answer.headers["x-gateway-error"], "x-durability" in answer.headers) == (code, False)
    assert door.events == []


@pytest.mark.parametrize(
    ("more", "fits"), [(0, True), (1, False)], ids=["as long as allowed", "one byte longer"]
)
def test_the_limit_counts_path_and_query(more: int, fits: bool) -> None:
    door = Door()
    start = "/v1/pixel/track?writeKey=dev&userId=u1&event=E&properties.x="

    answer = get(door, start + "x" * (32 * 1024 - len(start) + more))

    assert (answer.status, answer.headers.get("x-gateway-error")) == (200, None if fits else "body_too_large")
    assert bool(door.events) == fits


def test_head_answers_and_records_nothing() -> None:
    door = Door()

    answer = door.request("HEAD", f"/v1/pixel/track?writeKey=dev&data={quote(encode(EVENT))}")

    assert (answer.status, answer.headers["content-type"], door.events) == (200, "image/gif", [])
    assert "x-durability" not in answer.headers


def test_the_sender_is_a_persons_device() -> None:
    door = Door()

    get(door, f"/v1/pixel/track?writeKey=dev&data={quote(encode(EVENT))}", User_Agent="Mozilla/5.0")

    assert door.event["context"] == {"ip": "192.0.2.1", "userAgent": "Mozilla/5.0"}


def test_a_journal_that_cannot_write_is_not_hidden_behind_the_image() -> None:
    door = Door(journal=MemoryJournal(JournalUnavailable()))

    answer = get(door, f"/v1/pixel/track?writeKey=dev&data={quote(encode(EVENT))}")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["x-gateway-error"] == "journal_unavailable"
