"""A yes and a no, in all the spellings that count, and in none that do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway.raw import truth
from tests.build import to_json

WORDS = {
    True: ("true", "1", "yes", "on", "granted"),
    False: ("false", "0", "no", "off", "denied"),
}
ANY_CASE = [
    pytest.param(spelled, said, id=spelled)
    for said, words in WORDS.items()
    for word in words
    for spelled in sorted({word, word.upper(), word.title()})
]
NEITHER = [
    *(None, "", "maybe", "null", "t", " true", "\N{FULLWIDTH DIGIT ONE}"),
    *(2, -1, 0.5, 10**400),
    *([], [True], {}, {"a": 1}),
]


def raw(value: Any) -> Raw:
    return Raw(to_json(value))


@pytest.mark.parametrize(
    ("json", "said"),
    [
        (b"true", True),
        (b"false", False),
        (b"1", True),
        (b"0", False),
        (b"1.0", True),
        (b"-0", False),
        (b'"\\u0054rue"', True),
    ],
    ids=str,
)
def test_json_says_yes_or_no(json: bytes, said: bool) -> None:
    assert truth.read(Raw(json)) is said


@pytest.mark.parametrize(("word", "said"), ANY_CASE)
def test_so_does_a_text_in_any_case(word: str, said: bool) -> None:
    assert truth.read(raw(word)) is said
    assert truth.read_text(word) is said


@pytest.mark.parametrize("value", NEITHER, ids=lambda value: repr(value)[:12])
def test_anything_else_says_neither(value: Any) -> None:
    assert truth.read(raw(value)) is None


def test_what_is_missing_says_neither() -> None:
    assert truth.read(None) is None


@given(st.binary(max_size=12))
def test_no_bytes_can_break_it(value: bytes) -> None:
    assert truth.read(Raw(value)) in (True, False, None)


@pytest.mark.parametrize(
    ("preferences", "granted"),
    [
        pytest.param({"ads": "Granted"}, True, id="by name"),
        pytest.param({"ads": 0}, False, id="denied by name"),
        pytest.param({"ads": "perhaps"}, False, id="neither"),
        pytest.param({"stats": True}, False, id="another category"),
        pytest.param({"ALL": True}, True, id="all"),
        pytest.param({"all": "yes"}, True, id="all, in another case"),
        pytest.param({"ALL": False, "ads": True}, True, id="by name, all others denied"),
        pytest.param({"ads": False, "ALL": True}, False, id="denied by name before all"),
        pytest.param({"ALL": True, "ads": "off"}, False, id="denied by name behind all"),
        pytest.param({"ALL": "perhaps"}, False, id="all, neither"),
        pytest.param({}, False, id="nothing said"),
    ],
)
def test_a_category_is_granted_by_name_or_with_all_others(preferences: Any, granted: bool) -> None:
    assert truth.grants({name: raw(value) for name, value in preferences.items()}, "ads") is granted


@pytest.mark.parametrize("said", [False, 0, "No"], ids=repr)
def test_a_mere_no_is_that_of_all_integrations(said: Any) -> None:
    assert truth.spread(raw(said)) == raw({"All": False})


@pytest.mark.parametrize("value", [{"ads": False}, [], None, "x", True, 1], ids=repr)
def test_other_integrations_stay(value: Any) -> None:
    assert truth.spread(raw(value)) == raw(value)
