"""JSON that nobody needs to look into."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from gateway.errors import InvalidField
from gateway.raw import objects


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("under", "over", "deep", "shallow"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 2}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}, {"a": None}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}, {"a": [2]}),
        ({"a": 1}, {"a": {"y": 2}}, {"a": {"y": 2}}, {"a": {"y": 2}}),
        ({"a": 1}, [], {"a": 1}, {"a": 1}),
        ([], {"a": 1}, {"a": 1}, {"a": 1}),
        ({"a": 1}, None, {"a": 1}, {"a": 1}),
        ({"a": 1}, "x", "x", "x"),
    ],
    ids=["apart", "same", "nested", "null", "lists", "unlike", "empty", "on empty", "on null", "no object"],
)
def test_two_objects_are_merged(under: Any, over: Any, deep: Any, shallow: Any) -> None:
    merged = objects.merge_deep(raw(under), raw(over)), objects.merge_shallow(raw(under), raw(over))

    assert [json.loads(objects.write(each)) for each in merged] == [deep, shallow]


def test_nothing_is_merged_with_nothing() -> None:
    assert objects.merge_deep(UNSET, UNSET) is UNSET
    assert objects.merge_deep(UNSET, raw({"a": 1})) == raw({"a": 1})
    assert objects.merge_deep(raw({"a": 1}), UNSET) == raw({"a": 1})


def test_a_merge_of_deep_objects_ends() -> None:
    deep = Raw(b'{"a":' * 300 + b"1" + b"}" * 300)

    assert objects.write(objects.merge_deep(deep, deep)) == bytes(deep)


@pytest.mark.parametrize("value", ["{}", '{"a":1}'])
def test_an_object_is_taken_as_it_stands(value: str) -> None:
    assert objects.require("context", Raw(value.encode())) == Raw(value.encode())


@pytest.mark.parametrize("value", ["null", "[]"])
def test_nothing_is_taken_for_an_empty_object(value: str) -> None:
    assert objects.require("context", Raw(value.encode())) == Raw(b"{}")


@pytest.mark.parametrize("value", ["1", '"{}"', "[1]", "true"])
def test_anything_else_is_refused_by_the_name_of_its_field(value: str) -> None:
    with pytest.raises(InvalidField, match=r"\$\.context"):
        objects.require("context", Raw(value.encode()))


@pytest.mark.parametrize("indent", [1, None], ids=["in lines", "in one line"])
def test_white_space_between_tokens_goes(indent: int | None) -> None:
    value = {"a": [1, {"b": "c: d, e"}], "f": None}

    compact = objects.compact(json.dumps(value, indent=indent).encode())

    assert compact == json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 10_000], ids=lambda body: repr(body[:9]))
def test_what_has_no_line_break_is_not_looked_at(body: bytes) -> None:
    assert objects.compact(body) == body


@pytest.mark.parametrize(
    "body", [b"\n", b'{"a": \n', b"\xff\n", b"[\n" * 10_000], ids=lambda body: repr(body[:9])
)
def test_a_line_break_never_comes_through(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, RecursionError)):
        objects.compact(body)
