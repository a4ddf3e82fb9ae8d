"""Webhooks that are forms, through the front door."""

import gzip
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.sources import Source
from tests.build import Door, to_json, track
from tests.dialects.webhook.shops import FORM, MULTIPART, multipart, properties, send, shop

ORDER = {"kind": "Sold", "who": "u1", "total": 9.5}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"From=%2B15550001&MessageStatus=delivered", {"From": "+15550001", "MessageStatus": "delivered"}),
        (b"ErrorCode=&SmsSid=SM1", {"ErrorCode": "", "SmsSid": "SM1"}),
        (
            b"type=subscribe&data[email]=a%40example.org&data%5Bid%5D=7",
            {"type": "subscribe", "data[email]": "a@example.org", "data[id]": "7"},
        ),
        (b"tag=a&tag=b&n=1", {"tag": ["a", "b"], "n": "1"}),
        (b"name=Zo%C3%AB+Smith&city=K%F6ln", {"name": "Zoë Smith", "city": "Köln"}),
        ("name=Zoë&x=1".encode(), {"name": "Zoë", "x": "1"}),
        (b"price=%8010&charset=windows-1252", {"price": "€10", "charset": "windows-1252"}),
        (b"a=1;b=2&c=3\r\n", {"a": "1;b=2", "c": "3"}),
        (b"a&b=1", {"a": "", "b": "1"}),
        (b"payload=&a=1", {"payload": "", "a": "1"}),
        (b"payload=%7Bno&a=1", {"payload": "{no", "a": "1"}),
        (b"payload=%7B%22x%22%3ANaN%7D&a=1", {"payload": '{"x":NaN}', "a": "1"}),
        (b"note=%5Bdraft%5D+x", {"note": "[draft] x"}),
        (b"q=%22&r=%5C&s=%00", {"q": '"', "r": "\\", "s": "\0"}),
    ],
    ids=[
        "Twilio's",
        "an empty value",
        "Mailchimp's",
        "a repeated name",
        "two character sets",
        "not escaped",
        "PayPal's",
        "a semicolon",
        "a name alone",
        "an empty payload",
        "a payload that is not JSON",
        "a payload that is not quite JSON",
        "a text that begins as JSON",
        "characters that JSON escapes",
    ],
)
def test_a_form_is_the_object_of_its_fields(body: bytes, expected: dict[str, Any]) -> None:
    assert properties(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"payload=" + quote(json.dumps(ORDER)).encode(),
        b"payload=" + quote(json.dumps(ORDER), safe="").replace("%20", "+").encode(),
        b"mandrill_events=" + quote(json.dumps(ORDER, indent=2)).encode(),
        multipart(("name=payload", json.dumps(ORDER))),
        multipart(('name="data"; filename="blob"\r\nContent-Type: application/json', json.dumps(ORDER))),
    ],
    ids=["GitHub's", "with plus signs", "of another name", "multipart", "as a file"],
)
def test_a_single_field_that_holds_json_is_that_json(body: bytes) -> None:
    assert properties(body, FORM if body[:2] != b"--" else MULTIPART) == ORDER


@pytest.mark.parametrize("content_type", [FORM, MULTIPART], ids=["urlencoded", "multipart"])
def test_a_payload_beside_other_fields_is_its_json_and_they_stay(content_type: str) -> None:
    text = json.dumps(ORDER)
    parts = multipart(("name=payload", text), ("name=team", "T1"))
    body = f"payload={quote(text)}&team=T1".encode() if content_type == FORM else parts

    assert properties(body, content_type) == {"payload": ORDER, "team": "T1"}


def test_digits_in_a_payload_stay_as_they_were_written() -> None:
    door = Door(shop(fields={"properties": "$"}))

    send(door, b"payload=" + quote('{"kind":"S","who":"u","n":1.50}').encode())

    assert b'"n":1.50' in door.journal.lines[0]


def test_a_payload_that_is_not_quite_json_is_repaired_with_a_warning() -> None:
    door = Door(shop(fields={"properties": "$"}))

    send(door, b"payload=" + quote('{"kind":"S","who":"u","n":NaN}').encode())

    assert door.event["properties"]["n"] is None
    assert [warning["code"] for warning in door.event["warnings"]] == ["not_a_number"]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_multipart_form_is_the_object_of_its_fields(end: bytes) -> None:
    body = multipart(
        ('name="a"', "1"),
        ('name="b c"', ""),
        ("name=d", "x" + end.decode() + "--X" + end.decode() + "y"),
        ('name="é"', "ö".encode("latin-1")),
        ('name="say \\"hi\\""', "2"),
        end=end,
    )

    assert properties(body, MULTIPART) == {
        "a": "1",
        "b c": "",
        "d": f"x{end.decode()}--X{end.decode()}y",
        "é": "ö",
        'say "hi"': "2",
    }


def test_a_file_is_its_text_or_else_its_name_and_size() -> None:
    body = multipart(
        ("name=payload", json.dumps(ORDER)),
        ('name="thumb"; filename="a.jpg"\r\nContent-Type: image/jpeg', b"\xff\xd8\xff\xe0"),
        ('name="log"; filename="a.txt"', "all fine"),
    )

    assert properties(body, MULTIPART) == {
        "payload": ORDER,
        "thumb": {"filename": "a.jpg", "size": 4},
        "log": "all fine",
    }


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        f"{FORM}; charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded",
        'multipart/form-data; boundary="XX"',
        "Multipart/Form-Data; charset=utf-8; boundary=XX",
    ],
)
def test_a_form_is_known_by_any_spelling_of_its_type(content_type: str) -> None:
    body = b"a=1&b=2" if "urlencoded" in content_type.lower() else multipart(("name=a", "1"), ("name=b", "2"))

    assert properties(body, content_type) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("content_type", [FORM, MULTIPART, "text/plain", "", "information", "nonsense;;form"])
@pytest.mark.parametrize("space", [b"", b" \r\n"], ids=["at once", "after white space"])
def test_what_begins_as_json_is_json_whatever_its_type(content_type: str, space: bytes) -> None:
    door = Door()

    answer = send(door, space + to_json(track()), content_type, "/v1/webhook?writeKey=dev")

    assert (answer.status, door.event["event"]) == (200, "Ordered")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"payload=" + quote(json.dumps(ORDER)).encode(), FORM),
        (multipart(("name=payload", json.dumps(ORDER))), MULTIPART),
        (gzip.compress(b"payload=" + quote(json.dumps(ORDER)).encode()), FORM),
    ],
    ids=["urlencoded", "multipart", "compressed"],
)
def test_a_signature_is_of_the_form_as_it_was_sent(body: bytes, content_type: str) -> None:
    door = Door(shop(signature="github", webhook_secret="hush"))
    sent = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    signed = hmac.new(b"hush", sent, hashlib.sha256).hexdigest()

    answers = [
        send(door, body, content_type, **{"X-Hub-Signature-256": f"sha256={signature}"})
        for signature in (signed, hmac.new(b"hush", to_json(ORDER), hashlib.sha256).hexdigest())
    ]

    assert [answer.status for answer in answers] == [200, 400]
    assert (door.event["event"], door.event["userId"]) == ("Sold", "u1")


def test_the_entries_of_a_form_are_events() -> None:
    door = Door(shop("$[*]", fields={"event": "@.event", "user_id": "@.msg.email"}))
    events = [{"event": "open", "msg": {"email": "a"}}, {"event": "click", "msg": {"email": "b"}}]

    answer = send(door, b"mandrill_events=" + quote(json.dumps(events)).encode())

    assert answer.json["Accepted"] == 2
    assert [(event["event"], event["userId"]) for event in door.events] == [("open", "a"), ("click", "b")]


@pytest.mark.parametrize("field", ["payload", "data"])
def test_events_of_the_segment_spec_may_be_in_a_form(field: str) -> None:
    door = Door(Source("default", ("dev",)))
    batch = {"batch": [track(event="A"), track(event="B")]}

    send(door, f"{field}={quote(json.dumps(batch))}".encode(), target="/v1/webhook?writeKey=dev")
    send(door, b"type=track&userId=u1&event=C&writeKey=dev", target="/v1/webhook")

    assert [event["event"] for event in door.events] == ["A", "B", "C"]


def test_a_custom_event_may_be_a_form() -> None:
    door = Door()

    answer = send(
        door,
        b"From=%2B15550001&MessageStatus=delivered",
        target="/v1/custom/event?writeKey=dev&eventName=$.MessageStatus&userID=$.From",
    )

    assert (answer.status, door.event["event"], door.event["userId"]) == (200, "delivered", "+15550001")
    assert door.event["properties"] == {"From": "+15550001", "MessageStatus": "delivered"}
