"""Paths into an event, `properties.order_id`, or into the entry of a list, `.price`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.destinations.grammar import Value

_EVENT = "$"
_ENTRY = "."
_KEY = "@"


class Place(NamedTuple):
    """Keys from the event, or from the entry, to a value."""

    relative: bool
    steps: tuple[str, ...]


def plain_place(text: str) -> Place | None:
    """Return the place of a path that goes through objects alone; None for every other."""
    steps = text.removeprefix(_ENTRY).split(".")
    if text in (_EVENT, _KEY) or any(not step or step.isdecimal() for step in steps):
        return None
    return Place(text.startswith(_ENTRY), tuple(steps))


def compile_path(text: str, *, members: bool = False) -> Value:
    """
    Return the function that finds the value of a path.

    `$` is the whole event, `.` the entry, `.name` a field of it. Among the members of an object (`members`),
    `@` is the key of one. Raises ValueError.
    """
    if text == _EVENT:
        return lambda event, entry: event
    if text == _KEY and members:
        return lambda event, entry: entry[0]
    steps = tuple(text.removeprefix(_ENTRY).split(".")) if text != _ENTRY else ()
    if "" in steps or not text:
        raise ValueError(f"expected a path such as properties.order_id, got {text!r}")
    if not text.startswith(_ENTRY):
        return _in_event(steps)
    if members:
        return lambda event, entry: walk(entry[1], steps)
    return _field_of_entry(*steps) if len(steps) == 1 else lambda event, entry: walk(entry, steps)


# Most paths have one step or two. Written out, they take a third of the time.


def _in_event(steps: tuple[str, ...]) -> Value:
    first, *others = steps
    if not others:

        def find_field(event: Any, entry: Any) -> Any:
            value = event.get(first)
            return value if value or value == 0 else None

        return find_field
    if len(others) > 1 or others[0].isdecimal():
        return lambda event, entry: walk(event, steps)
    [second] = others

    def find(event: Any, entry: Any) -> Any:
        below = event.get(first)
        if type(below) is not dict:
            return None
        value = below.get(second)
        return value if value or value == 0 else None

    return find


def _field_of_entry(name: str) -> Value:
    if name.isdecimal():
        return lambda event, entry: walk(entry, (name,))

    def find(event: Any, entry: Any) -> Any:
        if type(entry) is not dict:
            return None
        value = entry.get(name)
        return value if value or value == 0 else None

    return find


def walk(value: Any, steps: Sequence[str]) -> Any:
    """Return what lies so many steps below a value; a number is the index of a list."""
    for step in steps:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and step.isdecimal() and int(step[:6]) < len(value):
            value = value[int(step[:6])]
        else:
            return None
    return value if value or value == 0 else None
