"""Values that are hidden by their key, in any text that is shown."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.masking import KEYS, cut_address, headers, hide, hide_text, names, show
from tests.build import to_json

EMAIL = names(["email"])
SECRET = "jo@example.com"
NESTED = {"payload": json.dumps({"user": {"email": SECRET}})}
ENCODED = base64.b64encode(to_json({"email": SECRET}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"email": SECRET, "n": 1}, {"email": "***", "n": 1}, id="a text"),
        pytest.param({"Email": SECRET}, {"Email": "***"}, id="in another case"),
        pytest.param({"a": [{"email": 12.50}]}, {"a": [{"email": "***"}]}, id="a number, deep inside"),
        pytest.param({"email": {"x": [SECRET, "]}"]}, "b": 1}, {"email": "***", "b": 1}, id="an object"),
        pytest.param({"email": [[SECRET], {}], "b": 1}, {"email": "***", "b": 1}, id="a list"),
        pytest.param({"email": None, "b": True}, {"email": "***", "b": True}, id="null"),
        pytest.param({"emails": "a", "b": "email"}, {"emails": "a", "b": "email"}, id="no other key"),
        pytest.param({"a": 'the "email" of'}, {"a": 'the "email" of'}, id="no text that only looks like it"),
    ],
)
def test_the_value_of_a_key_is_hidden(value: Any, expected: Any) -> None:
    assert json.loads(hide(to_json(value), EMAIL)) == expected
    assert json.loads(hide(json.dumps(value, indent=1).encode(), EMAIL)) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"\\u0065mail":"jo@example.com"}', id="a key in escapes"),
        pytest.param(b'{"a":1,"email":"jo@example.co', id="a value that is cut off"),
        pytest.param(b'{"a":1,"email":{"x":"jo@example.com", "y', id="an object that is cut off"),
        pytest.param(b'{"email":"jo@example.com"}\n{"email":"jo@example.com"}', id="lines"),
        pytest.param(b'{"email" : jo@example.com}', id="no JSON"),
        pytest.param(to_json(NESTED), id="JSON in a text"),
        pytest.param(to_json({"a": json.dumps(NESTED)}), id="JSON in a text in a text"),
        pytest.param(to_json(NESTED)[:-4], id="JSON in a text that is cut off"),
        pytest.param(b"a=1&email=jo@example.com&b=2", id="a parameter"),
        pytest.param(b"user%5Bemail%5D=jo@example.com", id="a parameter with brackets"),
        pytest.param(b"user.email%0D%0A=jo@example.com", id="a parameter with a line break"),
        pytest.param(b"data=" + ENCODED, id="a parameter in base64"),
        pytest.param(b"data=" + ENCODED.rstrip(b"=").replace(b"+", b"-"), id="without padding"),
        pytest.param(b"data=%7B%22email%22%3A%22jo@example.com%22%7D", id="a parameter that is JSON"),
        pytest.param(to_json({"url": "https://x.example/?email=jo@example.com"}), id="a query in a text"),
    ],
)
def test_no_spelling_of_it_is_shown(text: bytes) -> None:
    shown = hide(text, EMAIL)

    assert b"example.com" not in shown
    assert b"example.co" not in shown
    assert ENCODED.rstrip(b"=") not in shown
    assert b"***" in shown


def test_json_stays_json_whatever_is_hidden_in_it() -> None:
    value = {"a": f"https://x.example/?data={ENCODED.decode()}&b=1", **NESTED, "c": 'q"uote'}

    shown = json.loads(hide(to_json(value), EMAIL))

    assert shown.keys() == value.keys()
    assert shown["c"] == 'q"uote'


KEYS_OF_ANY = st.sampled_from(["email", "EMAIL", "e", 'e"mail', "payload"])
ANY = st.recursive(
    st.none()
    | st.integers()
    | st.text()
    | st.just(json.dumps(NESTED))
    | st.just("?email=a&data=" + ENCODED.decode()),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS_OF_ANY, inner) | inner.map(json.dumps),
)


def without_texts(value: Any) -> Any:
    """Return a value with only the kinds of its texts and numbers."""
    if isinstance(value, dict):
        return {key: "str" if key.lower() == "email" else without_texts(each) for key, each in value.items()}
    return [*map(without_texts, value)] if isinstance(value, list) else type(value).__name__


@given(ANY, st.booleans())
def test_any_json_stays_json_of_the_same_shape(value: Any, escaped: bool) -> None:
    shown = hide(json.dumps(value, ensure_ascii=escaped).encode(), EMAIL)

    assert without_texts(json.loads(shown)) == without_texts(value)
    assert b"jo@example.com" not in shown


@given(ANY, st.integers(0, 200))
def test_what_is_cut_off_anywhere_is_hidden_without_an_error(value: Any, length: int) -> None:
    assert isinstance(hide(json.dumps(value).encode()[:length], EMAIL), bytes)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[" * 100_000, id="brackets"),
        pytest.param(b'"' * 100_000, id="quotation marks"),
        pytest.param(b"a" * 1_000_000 + b"=", id="a long parameter"),
        pytest.param(b"a" * 1_000_000 + b"]]=", id="a long parameter with brackets"),
        pytest.param(b"a." * 500_000 + b"]=", id="a parameter of many steps"),
        pytest.param(b'{"a":' * 50_000, id="deep objects"),
        pytest.param(b'\\"' * 100_000, id="escapes"),
    ],
)
def test_hostile_texts_take_no_longer_than_others(text: bytes) -> None:
    assert hide(text, EMAIL).count(b"***") == 0


def test_nothing_is_changed_without_keys() -> None:
    assert hide(b'{"email":1}', frozenset()) == b'{"email":1}'
    assert hide_text("email=1", ()) == "email=1"


@pytest.mark.parametrize("key", ["writeKey", "write_key", "write-key", "token", "tc_skey", "password"])
def test_write_keys_and_passwords_are_among_the_keys_that_are_always_hidden(key: str) -> None:
    assert json.loads(hide(to_json({key: "K"}), KEYS)) == {key: "***"}


def test_headers_are_shown_without_secrets_and_whole_addresses() -> None:
    shown = headers(
        {
            b"authorization": b"Basic ZGV2Og==",
            b"cookie": b"a=b",
            b"x-write-key": b"dev",
            b"x-forwarded-for": b"203.0.113.9, 2001:db8:1:2::3",
            b"cf-connecting-ip": b"203.0.113.9",
            b"user-agent": b"curl/8",
            b"referer": b"https://x.example/?token=abc",
        }
    )

    assert shown == {
        "authorization": "***",
        "cookie": "***",
        "x-write-key": "***",
        "x-forwarded-for": "203.0.113.0, 2001:db8:1::",
        "cf-connecting-ip": "203.0.113.0",
        "user-agent": "curl/8",
        "referer": "https://x.example/?token=***",
    }


@pytest.mark.parametrize(
    ("address", "cut"),
    [("192.0.2.77", "192.0.2.0"), ("", ""), ("somebody", "***"), ("2002:102:304::1", "2002:102:300::")],
)
def test_an_address_loses_its_last_part(address: str, cut: str) -> None:
    assert cut_address(address) == cut


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(b'{"context":{"ip":"192.0.2.7"}}', b'{"context":{"ip":"192.0.2.0"}}', id="IPv4"),
        pytest.param(b'{"ip" : "2001:db8:1:2::3"}', b'{"ip" : "2001:db8:1::"}', id="IPv6"),
        pytest.param(b'{"ip":"7:7"}', b'{"ip":"***"}', id="no address"),
        pytest.param(b'{"ip":"local"}', b'{"ip":"local"}', id="a word"),
        pytest.param(b'{"a":"192.0.2.7","email":1}', b'{"a":"192.0.2.7","email":"***"}', id="another key"),
    ],
)
def test_people_see_events_without_whole_addresses(text: bytes, shown: bytes) -> None:
    assert show(text, EMAIL) == shown


@pytest.mark.parametrize(
    "text",
    [
        "grant_type=urn%3Aietf&assertion=eyJhbGciOi",
        "https://bigquery.example/upload?upload_id=eyJhbGciOi&alt=json",
    ],
    ids=["a signed assertion", "an address that uploads without a token"],
)
def test_credentials_of_requests_are_hidden(text: str) -> None:
    assert "eyJhbGciOi" not in hide_text(text, KEYS)
