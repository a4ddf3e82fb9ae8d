"""What real clients send that is not JSON, made JSON."""

import json
from typing import Any

import pytest

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
    [b"[" * 500_000, b"[[]," * 125_000, b'"' * 500_000, b"\\" * 500_000, b'"\\' * 250_000, b'{"a":' * 100_000],
    ids=lambda body: repr(body[:5]),
)
def test_no_input_is_too_much(body: bytes) -> None:
    found, repairs = repair(body)

    assert (found, repairs) == (body, [])
