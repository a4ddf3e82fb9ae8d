"""The functions of mappings, each with vectors of its own."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.destinations.encoding import encode
from gateway.destinations.functions.names import FUNCTIONS, bind

README = (Path(__file__).parents[3] / "config/README.md").read_text()
HASH = sha256(b"x").hexdigest()
ULID = "01KDWPVNG08K0X1ZSFYF4FJSZX"  # 2026-01-01T12:00:00Z, and the last 80 bits of the hash of m1
COOKIES = {"cookies": {"_ga": "GA1.1.12.34", "_ga_X1": "GS2.1.s99$o1"}, "clickIds": {"gclid": "g1"}}

VECTORS: list[tuple[str, Any, Any]] = [
    ("trim", " a ", "a"),
    ("lower", "ÄB", "äb"),
    ("upper", "eur", "EUR"),
    ("digits", "a1-2", "12"),
    ("no_space", " a b\t", "ab"),
    ("no_punct", "O'Neill-Å_1", "ONeillÅ1"),
    ("text", 5, "5"),
    ("text", 5.0, "5"),
    ("text", True, None),
    ("slice:1:3", "abcd", "bc"),
    ("cut:2", "abc", "ab"),
    ("cut:2", 123, 123),
    ("snake", "Order Completed", "order_completed"),
    ("snake", "orderCompleted!", "order_completed"),
    ("name", "A b/c", "A_b_c"),
    ("prefix:Viewed ", "Home", "Viewed Home"),
    ("escape", "<a & b>", "&lt;a &amp; b&gt;"),
    ("base64", "key:", "a2V5Og=="),
    ("json", {"a": [1]}, '{"a":[1]}'),
    ("wrap:value", 1, {"value": 1}),
    ("host", "https://a.example:8080/b", "a.example"),
    ("host", "http://[", None),
    ("path", "https://a.example/b?c", "/b"),
    # https://ads.tiktok.com: the vectors of TikTok's documents.
    ("sha256", "alice_abc@gmail.com", "848a77145843"),
    ("sha256", "+12133734253", "9f7ec22d7209"),
    ("sha256", "user_123", "80fba0ae1c48"),
    ("sha256", HASH.upper(), HASH),
    ("email", " A@B.example ", "a@b.example"),
    ("email", "no address", None),
    ("gmail", "J.o.e @Gmail.com", "joe@gmail.com"),
    ("gmail", "j.oe@other.example", "j.oe@other.example"),
    ("plain", "ann@example.com", "ann@example.com"),
    ("plain", HASH, None),
    ("valid_phone", "+4930901820", "+4930901820"),
    ("valid_phone", "+999123456789", None),
    ("valid_phone", "+12025550", None),
    ("valid_phone", HASH, None),
    ("state", "New York", "newyork"),
    ("country", " DE", "de"),
    ("country", "Germany", None),
    ("zip", "94035-1234", "94035"),
    ("yyyymmdd", "1990-05-21", "19900521"),
    ("yyyymmdd", "19900521", "19900521"),
    ("yyyymmdd", "May 21, 1990", "19900521"),
    ("yyyymmdd", "soon", None),
    ("gender", "Male", "m"),
    ("number", "12.50", 12.5),
    ("number", " -3", -3),
    ("number", "1e999", None),
    ("number", "12,50", None),
    ("number", True, None),
    ("int", "7.9", 7),
    ("time_s", "2026-01-01T12:00:00.999Z", 1767268800),
    ("time_ms", "2026-01-01T13:00:00+01:00", 1767268800000),
    ("time_us", "2026-01-01T12:00:00.000Z", 1767268800000000),
    ("time_s", "soon", None),
    ("iso", 1767268800000, "2026-01-01T12:00:00.000Z"),
    ("date", "2026-01-01T12:00:00.000Z", "2026-01-01"),
    ("date:%H:%M", "2026-01-01T12:34:00.000Z", "12:34"),
    ("uuid5", "01A214DB-C067-79F7-BA93-19B01530C640", "01a214db-c067-79f7-ba93-19b01530c640"),
    ("uuid5", "m1", "a89bc18a-21c8-5c4e-a0a4-2e3d4e57dbd0"),
    ("id36", "m-1", "m-1"),
    ("id36", "ajs:1", None),
    ("ulid", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ("cookie:_ga", COOKIES, "GA1.1.12.34"),
    ("query:gclid", COOKIES, "g1"),
    ("query:ttclid", {"page": {"url": "https://a.example/?ttclid=E%2FC"}}, "E/C"),
    ("query:ttclid", {"page": {"referrer": "https://a.example/?ttclid=r"}}, "r"),
    ("query:ttclid", {"page": "x"}, None),
    ("mrkdwn:*{event}*: {a|b.c} {x}", {"event": "<A> & {b}", "b": {"c": 2}}, "*&lt;A&gt; &amp; {b}*: 2 "),
    ("event_ulid", {"messageId": "m1", "timestamp": "2026-01-01T12:00:00.000Z"}, ULID),
    ("event_ulid", {"messageId": ULID, "timestamp": "2027-01-01T12:00:00.000Z"}, ULID),
    ("event_ulid", {"messageId": "m1", "timestamp": "soon"}, None),
    ("event_ulid", "m1", None),
    ("ga_client", "GA1.1.12.34", "12.34"),
    ("ga_client", "12.34", None),
    ("ga_session:G-X1", COOKIES, "99"),
    ("fbc", {"context": {"cookies": {"_fbc": "fb.1.5.A"}}}, "fb.1.5.A"),
]


@pytest.mark.parametrize(("written", "given", "expected"), VECTORS, ids=lambda each: str(each)[:30])
def test_a_function_makes_what_its_name_says(written: str, given: Any, expected: Any) -> None:
    found = bind(written)(given)

    if written == "sha256":
        assert found.startswith(expected)
    elif written == "id36" and expected is None:
        assert re.fullmatch("[0-9a-f-]{36}", found)
    elif written.startswith("uuid5") and given == "m1":
        assert found == bind(written)(given)
        assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found)
    else:
        assert found == expected


def test_every_function_has_a_vector_or_a_test_of_its_own() -> None:
    tried = {written.partition(":")[0] for written, _, _ in VECTORS} | {"e164", "phone_digits"}

    assert tried == set(FUNCTIONS)


def test_every_function_is_documented() -> None:
    [listed] = re.findall(r"^\*\*Functions\*\*.*?\n\n", README, re.MULTILINE | re.DOTALL)

    assert [name for name in FUNCTIONS if not re.search(rf"[` \n]{name}[` :\n]", listed)] == []


@pytest.mark.parametrize(
    ("written", "region", "expected"),
    [
        pytest.param("030 901820", "DE", "+4930901820", id="Germany"),
        pytest.param("(650) 555-1212", "US", "+16505551212", id="United States"),
        pytest.param("020 7946 0958", "GB", "+442079460958", id="United Kingdom"),
        pytest.param("01 40 20 50 50", "FR", "+33140205050", id="France"),
        pytest.param("06 698 12345", "IT", "+390669812345", id="Italy keeps its zero"),
        pytest.param("(11) 96123-4567", "BR", "+5511961234567", id="Brazil"),
        pytest.param("098765 43210", "IN", "+919876543210", id="India"),
        pytest.param("03-3224-9999", "JP", "+81332249999", id="Japan"),
        pytest.param("0412 345 678", "AU", "+61412345678", id="Australia"),
        pytest.param("8 (495) 123-45-67", "RU", "+74951234567", id="Russia"),
        pytest.param("+44 (0)20 7946 0958", "", "+442079460958", id="a zero in brackets"),
        pytest.param("0049 30 901820", "", "+4930901820", id="two zeros for the plus"),
        pytest.param("+49-30-901820", "US", "+4930901820", id="a country code outdoes the region"),
        pytest.param("030 901820", "", None, id="no country"),
        pytest.param("12", "DE", None, id="too short"),
        pytest.param("call me", "DE", None, id="no number"),
        pytest.param("+" + "9" * 500, "DE", None, id="too long"),
        pytest.param(HASH, "DE", HASH, id="hashed already"),
    ],
)
def test_phone_numbers_get_their_country_code(written: str, region: str, expected: str | None) -> None:
    assert bind(f"e164:{region}")(written) == expected
    assert bind(f"phone_digits:{region}")(written) == (expected and expected.removeprefix("+"))


@pytest.mark.parametrize("digits", ["2" * 60, "22 " * 20, "22" * 30 + " "], ids=["one", "pairs", "a space"])
def test_a_hostile_phone_number_takes_no_longer_than_others(digits: str) -> None:
    assert bind("e164")(f"+1{digits}x") is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_that_python_can_hold_and_vendors_cannot_do_no_harm(name: str) -> None:
    arguments = {
        "slice": ":0:1",
        "cut": ":1",
        "prefix": ":a",
        "mrkdwn": ":a",
        "wrap": ":a",
        "cookie": ":a",
        "query": ":a",
    }
    function = bind(name + arguments.get(name, ":a" if name == "ga_session" else ""))

    odd: list[Any] = ["\ud800", 10**400, float("inf"), -0.0, [[]], {"": None}]
    for value in odd:
        encode(function(value))
