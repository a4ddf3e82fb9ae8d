"""Paths into an event, `properties.order_id`, or into the entry of a list, `.price`."""

from collections.abc import Sequence
from typing import Any

from gateway.destinations.code import Code, Value

_EVENT = "$"
_ENTRY = "."
_KEY = "@"


def compile_path(text: str, *, members: bool = False) -> Value:
    """
    Return the value of a path.

    `$` is the whole event, `.` the entry, `.name` a field of it. For the members of an object (`members`),
    `@` is the member's key. Raises ValueError.
    """
    if text == _EVENT:
        return Value(lambda code, into: code.line(f"{into} = event"))
    if text == _KEY and members:
        return Value(lambda code, into: code.line(f"{into} = {code.key}"))
    steps = tuple(text.removeprefix(_ENTRY).split(".")) if text != _ENTRY else ()
    if "" in steps or not text:
        raise ValueError(f"expected a path such as properties.order_id, got {text!r}")
    relative = text.startswith(_ENTRY)

    def write(code: Code, into: str) -> None:
        start = code.entry if relative else "event"
        if any(step.isdecimal() for step in steps):
            code.line(f"{into} = {code.name(walk)}({start}, {code.name(steps)})")
            return
        if steps:
            start = f"{code.object(steps[:-1], relative=relative)}.get({code.name(steps[-1])})"
        code.line(f"{into} = {start}")
        code.line(f"if not {into} and {into} is not None and {into} != 0: {into} = None")

    return Value(write)


def walk(value: Any, steps: Sequence[str]) -> Any:
    """Return what these steps below a value lead to; a number is an index in a list."""
    for step in steps:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and step.isdecimal() and int(step[:6]) < len(value):
            value = value[int(step[:6])]
        else:
            return None
    return value if value or value == 0 else None
