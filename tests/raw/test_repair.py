"""What real clients send that is not JSON, made JSON."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.raw.repair import MAX_LEVELS, Repair, repair


@pytest.mark.parametrize(
    ("body", "repaired", "path", "code"),
    [
        (b'{"a":NaN}', {"a": None}, ("a",), "not_a_number"),
        (b'{"a":[1,-Infinity]}', {"a": [1, None]}, ("a", 1), "not_a_number"),
        (b'{"a":Infinity}', {"a": None}, ("a",), "not_a_number"),
        (
            b'[{"x":{"y":[0,{"z":NaN}]}}]',
            [{"x": {"y": [0, {"z": None}]}}],
            (0, "x", "y", 1, "z"),
            "not_a_number",
        ),
        (b'{"a":[],"b" : NaN}', {"a": [], "b": None}, ("b",), "not_a_number"),
        (b'{"a":"\\ud83d"}', {"a": "\ufffd"}, ("a",), "lone_surrogate"),
        (b'{"a":"\\ud83d\\u0041"}', {"a": "\ufffdA"}, ("a",), "lone_surrogate"),
        (b'{"a":"\\ud83d\\ude00\\ude00"}', {"a": "\U0001f600\ufffd"}, ("a",), "lone_surrogate"),
        (b'{"\\uDFFF":1}', {"\ufffd": 1}, ("\\uDFFF",), "lone_surrogate"),
    ],
    ids=[
        "NaN",
        "in a list",
        "Infinity",
        "deep",
        "after a list",
        "half",
        "half and more",
        "pair and half",
        "key",
    ],
)
def test_a_value_is_replaced_and_its_place_told(
    body: bytes, repaired: Any, path: tuple[str | int], code: str
) -> None:
    found, repairs = repair(body)

    assert json.loads(found) == repaired
    assert [(one.path, one.code) for one in repairs] == [(path, code)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"NaN","Infinity":"-Infinity"}',
        b'{"a":"\\\\ud83d"}',
        b'{"a":"\\ud83d\\ude00\\udbff\\udfff"}',
        b'{"a":"\\"NaN\\""}',
        b'{"a":[1,{"b":[[]]},null,-1.5e10,true],"":{}}',
        b"not JSON at all",
        b"",
        b'"never ends',
        b"]]]}}}",
    ],
    ids=[
        "in texts",
        "escaped escape",
        "pairs",
        "escaped quotes",
        "usual",
        "no JSON",
        "empty",
        "open",
        "closed",
    ],
)
def test_what_needs_no_repair_stays_as_it_is(body: bytes) -> None:
    assert repair(body) == (body, [])


def test_a_value_that_is_too_deep_is_taken_out_and_its_neighbours_stay() -> None:
    deep = b"[" * (MAX_LEVELS + 10) + b"]" * (MAX_LEVELS + 10)

    found, repairs = repair(b'{"a":1,"b":%b,"c":NaN}' % deep)

    assert found.endswith(b',"c":null}')
    assert found.startswith(b'{"a":1,"b":[')
    assert [one.code for one in repairs] == ["too_deep", "not_a_number"]
    assert json.loads(found)["c"] is None
    assert repairs[1] == Repair(("c",), "not_a_number", "NaN")


def test_what_is_deep_enough_stays() -> None:
    body = b"[" * MAX_LEVELS + b"]" * MAX_LEVELS

    assert repair(body) == (body, [])


@pytest.mark.parametrize(
    "body",
    [b"[]," * 160_000, b'"' * 500_000, b"\\" * 500_000, b'"\\' * 250_000, b'{"a":[],' * 500],
    ids=lambda body: repr(body[:5]),
)
def test_no_input_is_too_much(body: bytes) -> None:
    found, repairs = repair(body)

    assert (found, repairs) == (body, [])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("NaN, -Infinity"),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=3), below, max_size=4),
    max_leaves=20,
)


def without_numbers(value: Any, path: tuple[str | int, ...], places: list[tuple[str | int, ...]]) -> Any:
    """A value with null for each number that is none, whose places are added."""
    if isinstance(value, float) and not math.isfinite(value):
        places.append(path)
        return None
    if isinstance(value, list):
        return [without_numbers(each, (*path, place), places) for place, each in enumerate(value)]
    if isinstance(value, dict):
        return {name: without_numbers(each, (*path, name), places) for name, each in value.items()}
    return value


@given(VALUES, st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_all_that_pythons_json_writes_is_repaired_in_its_place(
    value: Any, indent: int | None, separators: tuple[str, str]
) -> None:
    places: list[tuple[str | int, ...]] = []
    expected = without_numbers(value, (), places)

    found, repairs = repair(
        json.dumps(value, indent=indent, separators=separators, ensure_ascii=False).encode()
    )

    assert json.loads(found) == expected
    assert [[json.dumps(step) for step in one.path] for one in repairs] == [
        [json.dumps(unescaped(step)) for step in path] for path in places
    ]


def unescaped(step: str | int) -> str | int:
    """A step as the path of a repair has it: a name as it stands in the body."""
    return json.dumps(step, ensure_ascii=False)[1:-1] if isinstance(step, str) else step
