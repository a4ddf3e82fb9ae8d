"""The functions that mappings are written out as: nothing of a mapping is code, and no depth breaks them."""

import json
import sys
from typing import Any

import pytest

from gateway.destinations.functions.names import bind
from gateway.destinations.pipelines import remembered
from gateway.destinations.planning import plan
from gateway.destinations.program import Program
from gateway.destinations.vendor import BadMapping, read
from tests.build import event_line

HEAD = '[send]\nurl = "https://a.example"\n[[rules]]\non = {}\n'
NAMES = [
    '"',
    "'",
    "\\",
    "{ }",
    "}{",
    "%s",
    "\n",
    "v1",
    "found",
    "event",
    '"); raise SystemExit #',
    "é\u2028",
]


def make(template: str, **fields: Any) -> Any:
    """Return the member x of what an event becomes."""
    planned = plan(Program(read(f"{HEAD}x = {template}\n", "m.toml"), {}), [event_line(**fields)], 1, 0)
    assert (planned.refused, planned.failed) == ({}, {})
    return json.loads(planned.lanes[0][0].body)["x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_mapping_is_never_code(name: str) -> None:
    written = json.dumps(name)
    path = json.dumps(f"properties.{name}")
    condition = f"{{equals = [{path}, {written}]}}"
    condition = f"{{equals = [{path}, {written}]}}"
    template = f"{{{written} = {path}, a = {{when = {condition}, then = {{const = {written}}}}}}}"

    assert make(template, properties={name: name}) == {name: name, "a": name}


@pytest.mark.parametrize(
    ("before", "inside", "after", "expected"),
    [
        pytest.param('{each = "properties.a", as = ', '"."', "}", 1, id="lists"),
        pytest.param('{when = {exists = "event"}, then = ', '"messageId"', "}", "m0", id="conditions"),
        pytest.param("{b = ", '"messageId"', "}", "m0", id="objects"),
    ],
)  # fmt: skip
def test_values_can_be_deep_in_one_another(before: str, inside: str, after: str, expected: Any) -> None:
    found = make(before * 45 + inside + after * 45, properties={"a": [1]})

    while isinstance(found, list | dict):
        [found] = found.values() if isinstance(found, dict) else found
    assert found == expected


@pytest.mark.parametrize("begin", ["{b = ", "{when = {not = {exists = 'event'}}, then = "])
@pytest.mark.parametrize("levels", [100, 5000])
def test_a_mapping_that_is_too_deep_is_refused(begin: str, levels: int) -> None:
    text = f"{HEAD}x = {begin * levels}'event'{'}' * levels}\n"

    with pytest.raises(BadMapping, match=r"^m.toml.*: (more than 100 levels deep|maximum recursion depth)"):
        Program(read(text, "m.toml"), {})


def test_a_condition_that_is_too_deep_is_refused() -> None:
    condition = f"{'{not = ' * 100}{{exists = 'event'}}{'}' * 100}"

    with pytest.raises(BadMapping, match="more than 100 levels deep"):
        Program(read(f"{HEAD}x = {{when = {condition}, then = 1}}\n", "m.toml"), {})


def test_a_list_can_be_made_of_the_members_of_an_object() -> None:
    one = '{equals = [{count = {each = ".", as = ".b"}}, 1]}'
    template = f'{{when = {{every = "properties", is = {one}}}, then = 1, else = 2}}'

    assert make(template, properties={"p": [{"b": 5}, {}], "q": {"b": 6}}) == 1
    assert make(template, properties={"p": [{"b": 5}, {"b": 5}]}) == 2


def test_what_people_are_recognized_by_is_remembered() -> None:
    [once] = remembered([bind("email"), bind("sha256")])
    [again] = remembered([bind("email"), bind("sha256")])

    assert once.function is again.function
    assert once(" A@B.example ") is once(" A@B.example ")
    assert once("A@B.example") == bind("sha256")("a@b.example")
    assert once(["a@b.example"]) is None


def test_a_long_text_is_not_remembered() -> None:
    [once] = remembered([bind("email"), bind("sha256")])
    long = f"{'x' * 200}@example.com"
    references = sys.getrefcount(long)

    assert once(f" {long}") == once(long) == bind("sha256")(long)
    assert sys.getrefcount(long) == references


def test_functions_that_recognize_nobody_are_left_as_they_are() -> None:
    functions = [bind("trim"), bind("uuid5")]

    assert remembered(functions) is functions
