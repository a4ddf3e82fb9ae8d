"""Objects of a mapping: built key by key, with whole objects merged into them."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.destinations.building import Member, Read, write_out
from gateway.destinations.functions.names import Bound
from gateway.destinations.grammar import (
    ABSENT,
    LITERAL,
    MERGED,
    REQUIRED,
    Constant,
    Report,
    Value,
    spelled,
)
from gateway.destinations.lines import Path

_MAX_LEVELS = 8


def make_object(
    raw: dict[str, Any],
    at: Path,
    compile_value: Callable[[Any, Path], Value],
    read_of: Callable[[Any], Read | None],
    report: Report,
) -> Value:
    """
    Return the function that builds an object; absent if nothing is in it.

    It raises Refused where a required member is absent. A member wins over what is merged into the object.
    `read_of` returns what a value reads, if it can be written out.
    """
    fixed: dict[str, Any] = {}
    members: list[Member] = []
    merged: list[Value] = []
    for key, value in raw.items():
        found = compile_value(value, (*at, key))
        name, required = spelled(key), key.endswith(REQUIRED) and not key.startswith(LITERAL)
        if not name:
            report((*at, key), "a key must have a name")
        elif key.startswith(MERGED):
            merged.append(found)
        elif not isinstance(found, Constant):
            members.append(Member(name, found, required, read_of(value)))
        elif found.value is not None:
            fixed[name] = found.value
        elif required:
            members.append(Member(name, ABSENT, True, None))
    if not members and not merged:
        return Constant(fixed or None)
    return write_out(fixed, members, merged)


def make_spread(
    raw: dict[str, Any],
    value: Value,
    keys: Sequence[Bound],
    functions: Sequence[Bound],
    report: Callable[[str, str], None],
) -> Value:
    """
    Return the function that copies the fields of an object that are not absent.

    `omit` lists keys to leave out, `flatten` joins the keys of inner objects, `only = "scalar"` keeps texts,
    numbers and booleans, `keys` and `do` change each key and each value.
    """
    omit, flatten, only = raw.get("omit", []), raw.get("flatten"), raw.get("only")
    if not isinstance(omit, list) or not all(isinstance(each, str) for each in omit):
        report("omit", "expected a list of keys")
        return ABSENT
    if flatten is not None and not isinstance(flatten, str):
        report("flatten", 'expected a text such as "_"')
        return ABSENT
    if only not in (None, "scalar"):
        report("only", 'expected "scalar"')
        return ABSENT
    left_out = frozenset(omit)

    def copy(found: dict[str, Any], made: dict[str, Any], before: str, level: int) -> dict[str, Any]:
        for key, each in found.items():
            if (not each and each != 0) or (level == 0 and key in left_out):
                continue
            if flatten is not None and type(each) is dict and level < _MAX_LEVELS:
                copy(each, made, f"{before}{key}{flatten}", level + 1)
                continue
            if only and type(each) in (dict, list):
                continue
            name: Any = before + key
            for function in keys:
                name = name and function(name)
            for function in functions:
                each = None if each is None else function(each)
            if name and each is not None:
                made.setdefault(name, each)
        return made

    def spread(event: Any, entry: Any) -> Any:
        found = value(event, entry)
        return copy(found, {}, "", 0) if isinstance(found, dict) else None

    return spread
