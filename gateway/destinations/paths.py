"""Paths into an event, `properties.order_id`, or into the entry of a list, `.price`."""

from typing import Any

from gateway.destinations.grammar import Value

_EVENT = "$"
_ENTRY = "."
_KEY = "@"


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
    relative = text.startswith(_ENTRY)
    steps = tuple(text.removeprefix(_ENTRY).split(".")) if text != _ENTRY else ()
    if "" in steps or not text:
        raise ValueError(f"expected a path such as properties.order_id, got {text!r}")
    if relative:
        return _in_entry(steps, members=members)
    return _short(*steps) if len(steps) < 3 else _long(steps)


def _short(first: str, second: str | None = None) -> Value:
    """Return the same as `_long` for paths of one or two steps, which are most, in a third of the time."""
    if second is None:

        def find_field(event: Any, entry: Any) -> Any:
            value = event.get(first)
            return value if value or value == 0 else None

        return find_field

    def find(event: Any, entry: Any) -> Any:
        below = event.get(first)
        if type(below) is not dict:
            return None
        value = below.get(second)
        return value if value or value == 0 else None

    return find


def _long(steps: tuple[str, ...]) -> Value:
    return lambda event, entry: walk(event, steps)


def _in_entry(steps: tuple[str, ...], *, members: bool) -> Value:
    if members:
        return lambda event, entry: walk(entry[1], steps)
    return lambda event, entry: walk(entry, steps)


def walk(value: Any, steps: tuple[str, ...]) -> Any:
    """Return what lies so many steps below a value; a number is the index of a list."""
    for step in steps:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and step.isdecimal() and int(step[:6]) < len(value):
            value = value[int(step[:6])]
        else:
            return None
    return value if value or value == 0 else None
