"""Parameters whose names are paths: `user[id]=1`, `colors[]=red`, `items[0][product][id]=7`."""

import re
from collections.abc import Iterable
from typing import Any

from gateway.errors import InvalidField

_STEP = re.compile(r"\[([^\[\]]*)\]")
_MAX_LEVELS = 32
_MAX_DIGITS = 20
"""The digits of PHP's largest list index. Python refuses to read numbers of thousands of digits."""


def nest(parameters: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """
    Return the object that parameters describe; every value stays text. Raises InvalidField if it is nested
    too deep.

    Steps that are all numbers, or all empty, make a list in the order of the numbers, without holes.
    """
    root: dict[str, Any] = {}
    for name, value in parameters:
        steps = _steps(name)
        inner = root
        for step in steps[:-1]:
            below = inner.get(step) if step else None
            if not isinstance(below, dict):
                below = inner[step or str(len(inner))] = {}
            inner = below
        inner[steps[-1] or str(len(inner))] = value
    return {name: _close(value) for name, value in root.items()}


def _steps(name: str) -> list[str]:
    """Return the steps of a name; a name that is not written as a path is a single step."""
    first = name.partition("[")[0]
    steps = _STEP.findall(name, len(first))
    if not first or sum(len(step) + 2 for step in steps) != len(name) - len(first):
        return [name]
    if len(steps) > _MAX_LEVELS:
        raise InvalidField(f"{name[:50]}…: nested too deep")
    return [first, *steps]


def _close(value: Any) -> Any:
    """Turn objects whose fields are all numbers into lists."""
    if not isinstance(value, dict):
        return value
    closed = {step: _close(below) for step, below in value.items()}
    if all(step.isdecimal() and len(step) <= _MAX_DIGITS for step in closed):
        return [closed[step] for step in sorted(closed, key=int)]
    return closed
