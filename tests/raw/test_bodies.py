"""Whole bodies: how deep an event in them nests, and what is a list."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidField
from gateway.raw import bodies
from gateway.raw.bodies import MAX_LEVELS


def nested(levels: int, text: str = "") -> bytes:
    """A list that nests so many levels deep, with a text on each."""
    return b"[%b," % json.dumps(text).encode() * levels + b"1" + b"]" * levels


@pytest.mark.parametrize("text", ["", "]]}}", '\\"]', "[[{{", '"'], ids=repr)
def test_levels_are_counted_and_brackets_in_texts_are_not(text: str) -> None:
    bodies.check_depth(nested(MAX_LEVELS, text))

    with pytest.raises(InvalidField, match="nested too deep"):
        bodies.check_depth(nested(MAX_LEVELS + 1, text))


@pytest.mark.parametrize(
    "event",
    [b"[" + b"[]," * 100_000 + b"[]]", b'{"a":[%b]}' % b",".join([b"[{}]"] * 1000)],
    ids=["many lists", "many objects"],
)
def test_many_brackets_beside_each_other_are_no_depth(event: bytes) -> None:
    bodies.check_depth(event)


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        ("[]", []),
        ("[1,2]", [0, 1]),
        ('{"0":1,"2":2}', ["0", "2"]),
        ('{"007":1}', ["007"]),
        ("{}", []),
    ],
)
def test_entries_have_the_steps_of_their_paths(value: str, steps: list[Any]) -> None:
    found, entries = bodies.numbered_entries(value.encode())

    assert (list(found), len(entries)) == (steps, len(steps))


@pytest.mark.parametrize("value", ["1", '"x"', "null", '{"a":1}', '{"0":1,"a":2}', '{"\\u0660":1}'])
def test_what_is_no_list_has_no_entries(value: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        bodies.entries(value.encode())


@given(st.binary(max_size=6))
def test_a_name_of_any_bytes_is_no_number(name: bytes) -> None:
    value = b'{"0":1,"%b":2}' % name.translate(None, b'"\\0123456789' + bytes(range(32)))

    with pytest.raises(msgspec.ValidationError):
        bodies.entries(value)
