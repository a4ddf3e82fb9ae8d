"""Events in the parameters of an address or a form, however templates and mail programs mangle them."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.sources import Source
from tests.build import Door, to_json, track

SOURCE = Source("website", ("KEY",))
CAFE = '{"userId":"u","event":"Café ÿ>?"}'
UTF8 = base64.b64encode(CAFE.encode()).decode()
LATIN1 = base64.b64encode(CAFE.encode("latin-1")).decode()
QUOTED = CAFE.replace('"', "&quot;")


@pytest.mark.parametrize(
    "query",
    [
        "writeKey=KEY&amp;userId=u&amp;event=Opened",
        "writeKey=KEY&AMP;userId=u&amp;event=Opened",
        "writeKey=KEY&#38;userId=u&#38;event=Opened",
        "writeKey=KEY&%2338;userId=u&%23038;event=Opened",
        "writeKey=KEY&#x26;userId=u&#x26;event=Opened",
        "writeKey=KEY&amp;amp;userId=u&amp;amp;event=Opened",
        "userId=u&amp;event=Opened&amp;writeKey=KEY",
        "writeKey=3DKEY&userId=3Du&event=3DOpened",
        "writeKey=KEY&userId=%75&event=Open%65d&",
    ],
    ids=[
        "&amp;",
        "in capitals",
        "&#38;",
        "&#38; encoded",
        "&#x26;",
        "&amp; twice",
        "before the key",
        "quoted-printable",
        "percent",
    ],
)
def test_an_address_that_a_template_has_mangled_is_understood(query: str) -> None:
    door = Door(SOURCE)

    answer = door.request("GET", f"/v1/pixel/track?{query}")

    assert "x-gateway-error" not in answer.headers
    assert (door.event["userId"], door.event["event"], "extras" in door.event) == ("u", "Opened", False)


@pytest.mark.parametrize(
    "data",
    [
        quote(LATIN1),
        quote(UTF8.replace("=", ".")),
        quote(quote(UTF8, safe="")),
        quote(quote(quote(UTF8, safe=""))),
        f"%22{quote(UTF8)}%22",
        f"'{quote(UTF8)}'",
        f"3D{quote(UTF8)}",
        f"3D%22{quote(UTF8)}%22",
        quote(CAFE.encode("latin-1")),
        quote(quote(CAFE)),
        quote(QUOTED),
        quote(base64.b64encode(b"\xef\xbb\xbf" + CAFE.encode())),
    ],
    ids=[
        "Latin-1",
        "dots for padding",
        "encoded twice",
        "encoded three times",
        "in quotes",
        "in single quotes",
        "3D before it",
        "3D and quotes",
        "plain JSON in Latin-1",
        "plain JSON encoded twice",
        "plain JSON with entities",
        "a BOM inside",
    ],
)
def test_data_that_a_template_has_mangled_is_understood(data: str) -> None:
    door = Door(SOURCE)

    answer = door.request("GET", f"/v1/pixel/track?writeKey=KEY&data={data}")

    assert "x-gateway-error" not in answer.headers
    assert (door.event["userId"], door.event["event"]) == ("u", "Café ÿ>?")


@pytest.mark.parametrize("value", ["Caf%E9", "Caf%C3%A9"], ids=["Latin-1", "UTF-8"])
def test_a_parameter_may_be_latin_1(value: str) -> None:
    door = Door(SOURCE)

    door.request("GET", f"/v1/pixel/track?writeKey=KEY&userId=u&event={value}&properties.{value}=1")

    assert (door.event["event"], door.event["properties"]) == ("Café", {"Café": "1"})


def test_a_single_value_that_begins_with_3d_stays_as_it_is() -> None:
    door = Door(SOURCE)

    door.request("GET", "/v1/pixel/track?writeKey=KEY&userId=3Du&event=3D+Glasses")

    assert (door.event["userId"], door.event["event"]) == ("3Du", "3D Glasses")


@pytest.mark.parametrize(
    ("key", "spelled"),
    [
        ("k+/=y", "k+/=y"),
        ("k+/=y", "k%2B%2F%3Dy"),
        ("k+/=y", "k%252B%252F%253Dy"),
        ("k+/=y", "%22k%2B/=y%22"),
        ("k+/=y", "3Dk+/=y"),
        ("a b", "a+b"),
        ("a b", "a%20b"),
        ('"q"', "%22q%22"),
        ("3Dx", "3Dx"),
        ("50%25", "50%2525"),
    ],
)
@pytest.mark.parametrize("name", ["writeKey", "writekey", "write_key", "write-key"])
def test_a_key_in_a_query_is_found_however_it_is_mangled(key: str, spelled: str, name: str) -> None:
    door = Door(Source("website", (key,)))

    answer = door.request("POST", f"/v1/track?{name}={spelled}", to_json(track()))

    assert (answer.status, len(door.events)) == (200, 1)


@pytest.mark.parametrize("first", ["a b", "a+b"])
def test_a_key_as_it_stands_wins_over_what_it_may_have_been(first: str) -> None:
    door = Door(Source("space", ("a b",)), Source("plus", ("a+b",)))

    door.request("POST", f"/v1/track?writeKey={quote(first)}", to_json(track()))

    assert door.event["source"]["name"] == ("space" if first == "a b" else "plus")


def test_the_key_of_a_disabled_source_is_found_too() -> None:
    answer = Door(Source("off", ("k+y",), enabled=False)).request(
        "POST", "/v1/track?writeKey=k+y", to_json(track())
    )

    assert answer.json["code"] == "source_disabled"


BATCH = json.dumps({"batch": [track(), track()]})


@pytest.mark.parametrize(
    ("path", "body", "events"),
    [
        ("/v1/track", f"data={quote(UTF8)}&writeKey=KEY", 1),
        ("/v1/track", f"writeKey=KEY&data={quote(LATIN1)}", 1),
        ("/v1/track", f"\n data={quote(CAFE)}&amp;writeKey=KEY\r\n", 1),
        ("/v1/batch", f"data={quote(BATCH)}&writeKey=KEY", 2),
        ("/v1/batch", f"write_key=KEY&data={quote(json.dumps([track()]))}", 1),
        ("/v1/batch?writeKey=KEY", f"data={quote(json.dumps([track(userId=7), 1]))}", 1),
    ],
    ids=["base64", "Latin-1", "JSON", "a batch", "an array", "with its key in the query"],
)
def test_the_data_of_a_form_is_the_event(path: str, body: str, events: int) -> None:
    door = Door(SOURCE)

    answer = door.request("POST", path, body.encode())

    assert (answer.status < 300, len(door.events)) == (True, events)


def test_a_form_on_the_routes_of_jitsu_has_the_event_and_not_the_key() -> None:
    door = Door(Source("jitsu", ("dev",)), SOURCE)

    answer = door.post("/api/s/track", f"data={quote(UTF8)}&writeKey=KEY".encode())

    assert (answer.status, door.event["source"]["name"]) == (200, "jitsu")


@pytest.mark.parametrize(
    "body",
    [
        b"data=",
        b"data=!",
        b"userId=u&event=E",
        b"event",
        b"data=" + quote(b'{"userId":').encode(),
        b"&".join([b"data=x"] * 1001),
    ],
    ids=["empty", "no base64", "no data", "no form", "cut off", "too many parameters"],
)
def test_a_form_without_an_event_is_refused(body: bytes) -> None:
    door = Door()

    answer = door.post("/v1/track", body)

    assert (answer.status, answer.json["code"], door.events) == (400, "unreadable_body", [])


EVENT: dict[str, Any] = {"userId": "u", "event": "Opened", "properties": {"a": "1"}}
DOTTED = b"userId=u&event=Opened&properties.a=1"


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/v1/pixel/track?writeKey=KEY", to_json(EVENT)),
        ("/pixel/v1/track", to_json({**EVENT, "writeKey": "KEY"})),
        ("/v1/pixel/track?writeKey=KEY", b" " + json.dumps(EVENT, indent=1).encode()),
        ("/v1/pixel/track?writeKey=KEY", base64.b64encode(to_json(EVENT))),
        ("/v1/pixel/track", b"writeKey=KEY&data=" + quote(base64.b64encode(to_json(EVENT))).encode()),
        ("/v1/pixel/track?writeKey=KEY", DOTTED),
        ("/v1/pixel/track", DOTTED + b"&writeKey=KEY"),
        ("/v1/pixel/track?writeKey=KEY&" + DOTTED.decode(), b""),
    ],
    ids=[
        "JSON",
        "with its own key",
        "spaced",
        "base64",
        "a form with data",
        "a form with dots",
        "a form with dots and key",
        "nothing in the body",
    ],
)
def test_a_beacon_is_answered_as_an_image(target: str, body: bytes) -> None:
    door = Door(SOURCE)

    answer = door.request("POST", target, body, {"Origin": "https://shop.example"})

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert "x-gateway-error" not in answer.headers
    assert {name: door.event.get(name) for name in EVENT} == EVENT
    assert (door.event["type"], door.event["context"]["ip"]) == ("track", "192.0.2.1")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "not_an_object"),
        (b"{", "unreadable_body"),
        (b"!", "unreadable_body"),
        (b"data={%%26%%23%b;}" % (b"9" * 5000), "unreadable_body"),
        (b"userId=u", "missing_event"),
        (b'{"userId":"u","event":"%b"}' % (b"x" * 32 * 1024), "body_too_large"),
    ],
    ids=["a list", "cut off", "no base64", "an endless entity", "no name", "too large"],
)
def test_whatever_is_wrong_with_a_beacon_it_gets_its_image(body: bytes, code: str) -> None:
    door = Door(SOURCE)

    answer = door.request("POST", "/v1/pixel/track?writeKey=KEY", body)

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert (answer.headers["x-gateway-error"], door.events) == (code, [])
