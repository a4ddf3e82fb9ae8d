"""Write keys are taken out of what a webhook's body repeats."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.redaction import without_keys

KEYS = ("KEY", "k+/=é")
NAMES = ("writeKey", "write_key", "write-key", "writekey", "WRITE_KEY", "token", "Token", "tc_skey")


def redact(text: str) -> str:
    return without_keys(text.encode(), KEYS).decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", ['"KEY"', r'"k+/=\u00e9"', r'"k\u002b\/=é"'], ids=["plain", "escaped", "PHP's"]
)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{%s}", "{}"),
        ('{%s,"a":1}', '{"a":1}'),
        ('{"a":1,%s}', '{"a":1}'),
        ('{"a":1,%s,"b":2.50}', '{"a":1,"b":2.50}'),
        ("{%s,%s}", "{}"),
        ('{%s,%s,"a":1,%s}', '{"a":1}'),
        ('{"a":{"b":[1,{%s,"c":{}}]}}', '{"a":{"b":[1,{"c":{}}]}}'),
        ('[{%s},{"a":1,%s}]', '[{},{"a":1}]'),
    ],
    ids=["alone", "first", "last", "between", "twice", "thrice", "deep", "in a list"],
)
def test_a_field_that_holds_a_key_is_removed(name: str, value: str, text: str, expected: str) -> None:
    assert redact(text.replace("%s", f'"{name}":{value}')) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"token":"another"}',
        '{"writeKey":"another","token":""}',
        '{"token":{"KEY":"KEY"},"writeKey":["KEY"]}',
        '{"id":"KEY","KEY":"KEY"}',
        '{"my_token":"KEY","tokens":"KEY"}',
        r'{"a":"{\"token\":\"KEY\"}"}',
        r'{"a":",\"token\":\"KEY\""}',
        '["token","KEY"]',
        '"KEY"',
        '{"token":"KE\\ud83d"}',
        '{"url":"https://example.com/?token=another&KEY"}',
    ],
    ids=lambda text: text[:30],
)
def test_all_else_stays_byte_for_byte(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"url":"https://gw/v1/w?writeKey=KEY"}', '{"url":"https://gw/v1/w?writeKey=***"}'),
        ('["/w?a=b&token=KEY&c=d"]', '["/w?a=b&token=***&c=d"]'),
        (r'["/w?a=b\u0026token=KEY\u0026c=d"]', r'["/w?a=b\u0026token=***\u0026c=d"]'),
        ('["/w?write_key=k%2B%2F%3D%C3%A9#x"]', '["/w?write_key=***#x"]'),
        ('["see /w?writeKey=KEY and /w?token=KEY."]', '["see /w?writeKey=*** and /w?token=***"]'),
    ],
    ids=["alone", "among others", "as Go writes it", "percent-encoded", "in a sentence"],
)
def test_a_key_in_an_address_is_blotted_out(text: str, expected: str) -> None:
    assert redact(text) == expected


def without(value: Any) -> Any:
    """The same by another way: decoded."""
    if isinstance(value, dict):
        names = {name.lower() for name in NAMES}
        return {k: without(v) for k, v in value.items() if not (k.lower() in names and v in KEYS)}
    return [without(each) for each in value] if isinstance(value, list) else value


TEXTS = st.sampled_from([*NAMES, *KEYS, '"', "\\", "{", ",", '{"token":"KEY"', "a"])
ANYTHING = st.recursive(
    TEXTS | st.none(), lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=5)
)


@given(ANYTHING)
def test_any_json_is_as_if_the_fields_had_never_been_there(value: Any) -> None:
    text = msgspec.json.encode(value)

    redacted = without_keys(text, KEYS)

    assert json.loads(redacted) == without(value)
    assert redacted == msgspec.json.encode(without(value))
