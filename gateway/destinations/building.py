"""
Functions that build objects, written out as Python.

A mapping's object has dozens of members, nearly all of them a path or the first of several, perhaps through
functions. Written out, with the objects that several paths go through looked up once, they take half the
time of one call for each. The text is made of numbers alone: names come from the function's globals.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.destinations.functions.names import Bound, as_text
from gateway.destinations.grammar import Refused, Value
from gateway.destinations.paths import Place


class Read(NamedTuple):
    """A value that is the first of several places that is not absent, through functions."""

    places: tuple[Place, ...]
    functions: tuple[Bound, ...] = ()


class Member(NamedTuple):
    """A member of an object."""

    name: str
    value: Value
    required: bool
    read: Read | None
    """What `value` is, if it can be written out."""


def write_out(fixed: dict[str, Any], members: Sequence[Member], merged: Sequence[Value]) -> Value:
    """Return the function that builds an object of constants, members and what is merged into it."""
    names: dict[str, Any] = {"fixed": fixed, "refuse": _refuse, "as_text": as_text, "merge": _merge}
    names["merged"] = merged
    objects: dict[Place, str] = {}
    head = ["def build(event, entry):"]
    body = ["made = fixed.copy()"]
    for number, (name, value, required, read) in enumerate(members):
        names[f"name{number}"] = name
        if read:
            body += _read(read, number, names, objects, head)
        else:
            names[f"value{number}"] = value
            body.append(f"v = value{number}(event, entry)")
        body.append(f"if v is not None: made[name{number}] = v")
        if required:
            body.append(f"else: refuse(name{number})")
    if merged:
        body.append("made = merge(made, merged, event, entry)")
    body.append("return made or None")
    exec("\n ".join([*head, *body]), names)  # noqa: S102  # nothing of a mapping is in the text
    build: Value = names["build"]
    return build


def _read(
    read: Read, number: int, names: dict[str, Any], objects: dict[Place, str], head: list[str]
) -> list[str]:
    """Return the lines that find a value as `v`; what they need is added to the others."""
    lines: list[str] = []
    for place, (relative, steps) in enumerate(read.places):
        below = _object(Place(relative, steps[:-1]), names, objects, head)
        names[f"key{number}_{place}"] = steps[-1]
        find = f"v = {below}.get(key{number}_{place})"
        lines.append(find if place == 0 else f"if not v and v != 0: {find}")
    lines.append("if not v and v != 0: v = None")
    for place, (function, of_text) in enumerate(read.functions):
        names[f"function{number}_{place}"] = function
        if of_text:
            lines.append("if v is not None and type(v) is not str: v = as_text(v)")
        lines.append(f"if v is not None: v = function{number}_{place}(v)")
        lines.append("if v == '': v = None")
    return lines


def _object(place: Place, names: dict[str, Any], objects: dict[Place, str], head: list[str]) -> str:
    """Return the variable of an object that paths go through; anything else counts as an empty one."""
    if place not in objects:
        variable = f"o{len(objects)}"
        if place.steps:
            above = _object(Place(place.relative, place.steps[:-1]), names, objects, head)
            variable = f"o{len(objects)}"
            names[f"step_{variable}"] = place.steps[-1]
            head.append(f"{variable} = {above}.get(step_{variable})")
        else:
            head.append(f"{variable} = {'entry' if place.relative else 'event'}")
        names["empty"] = {}
        head.append(f"if type({variable}) is not dict: {variable} = empty")
        objects[place] = variable
    return objects[place]


def _refuse(name: str) -> None:
    raise Refused(f"missing_{name}", f"nothing is found for {name}, which is required")


def _merge(made: dict[str, Any], merged: Sequence[Value], event: Any, entry: Any) -> dict[str, Any]:
    """Return an object with others merged into it; its own members win."""
    for each in merged:
        more = each(event, entry)
        if isinstance(more, dict):
            made = {**more, **made}
    return made
