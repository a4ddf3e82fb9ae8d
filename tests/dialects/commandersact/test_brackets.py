"""Parameters whose names are places become objects and lists."""

from typing import Any

import pytest

from gateway.dialects.commandersact.brackets import nest
from gateway.errors import InvalidField


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([("event_name", "a")], {"event_name": "a"}, id="a name"),
        pytest.param([("user[id]", "1")], {"user": {"id": "1"}}, id="a field of an object"),
        pytest.param([("c[]", "1"), ("c[]", "3")], {"c": ["1", "3"]}, id="a list"),
        pytest.param(
            [("items[0][product][colors][]", "red"), ("items[1][id]", "5")],
            {"items": [{"product": {"colors": ["red"]}}, {"id": "5"}]},
            id="a list of objects",
        ),
        pytest.param([("a[1]", "y"), ("a[0]", "x")], {"a": ["x", "y"]}, id="numbers say the order"),
        pytest.param([("a[1000000]", "x")], {"a": ["x"]}, id="holes close"),
        pytest.param([(f"a[{'9' * 5000}]", "x")], {"a": {"9" * 5000: "x"}}, id="too long for a number"),
        pytest.param([("a", "x"), ("a", "y")], {"a": "y"}, id="the last one counts"),
        pytest.param([("a[b", "x"), ("[c]", "y")], {"a[b": "x", "[c]": "y"}, id="no places"),
        pytest.param([("a", "x"), ("a[b]", "y")], {"a": {"b": "y"}}, id="an object over a text"),
    ],
)
def test_names_are_places(given: list[tuple[str, str]], expected: dict[str, Any]) -> None:
    assert nest(given) == expected


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(InvalidField, match="too deep"):
        nest([("a" + "[b]" * 100, "x")])
