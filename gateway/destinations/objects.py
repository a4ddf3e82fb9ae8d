"""Objects of a mapping: built key by key, with whole objects merged into them."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway import remembered
from gateway.destinations.code import ABSENT, Code, Constant, Value
from gateway.destinations.functions.names import Bound
from gateway.destinations.grammar import LITERAL, MERGED, REQUIRED, Refused, Report, spelled
from gateway.destinations.lines import Path
from gateway.destinations.operators import called
from gateway.destinations.pipelines import through

_MAX_LEVELS = 8
_MAX_KEYS = 1024
_MAX_CHARACTERS = 256
"""The most characters of a key of a spread whose new name is remembered."""


def make_object(
    raw: dict[str, Any], at: Path, compile_value: Callable[[Any, Path], Value], report: Report
) -> Value:
    """
    Return an object; absent if it is empty.

    It raises Refused if a required member is absent. A member wins over what is merged into the object.
    """
    fixed: dict[str, Any] = {}
    members: list[tuple[str, Value, bool]] = []
    merged: list[Value] = []
    for key, value in raw.items():
        found = compile_value(value, (*at, key))
        name, required = spelled(key), key.endswith(REQUIRED) and not key.startswith(LITERAL)
        if not name:
            report((*at, key), "a key must have a name")
        elif key.startswith(MERGED):
            merged.append(found)
        elif not isinstance(found, Constant):
            members.append((name, found, required))
        elif found.value is not None:
            fixed[name] = found.value
        elif required:
            members.append((name, ABSENT, True))
    if not members and not merged:
        return Constant(fixed or None)

    def write(code: Code, into: str) -> None:
        made = code.variable()
        code.line(f"{made} = {code.name(fixed)}.copy()" if fixed else f"{made} = {{}}")
        for name, value, required in members:
            found = code.evaluate(value)
            code.line(f"if {found} is not None: {made}[{code.name(name)}] = {found}")
            if required:
                code.line(f"else: {code.name(_refuse)}({code.name(name)})")
        for value in merged:
            found = code.evaluate(value)
            code.line(f"if type({found}) is dict: {made} = {{**{found}, **{made}}}")
        code.line(f"{into} = {made}" if fixed else f"{into} = {made} or None")

    return Value(write)


def _refuse(name: str) -> None:
    raise Refused(f"missing_{name}", f"nothing is found for {name}, which is required")


def make_spread(
    raw: dict[str, Any],
    value: Value,
    keys: Sequence[Bound],
    functions: Sequence[Bound],
    report: Callable[[str, str], None],
) -> Value:
    """
    Return the fields of an object that are not absent.

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
    rename = remembered.of_short(_MAX_CHARACTERS, _MAX_KEYS)(_function(keys)) if keys else None
    change = _function(functions) if functions else None

    def copy(found: dict[str, Any], made: dict[str, Any], before: str, level: int) -> dict[str, Any]:
        for key, each in found.items():
            if (not each and each != 0) or (level == 0 and key in left_out):
                continue
            kind = type(each)
            if kind is dict or kind is list:
                if kind is dict and flatten is not None and level < _MAX_LEVELS:
                    copy(each, made, f"{before}{key}{flatten}", level + 1)
                    continue
                if only:
                    continue
            name = before + key
            if rename:
                name = rename(name)
            if change:
                each = change(each)
            if name and each is not None:
                made.setdefault(name, each)
        return made

    return called(lambda found: copy(found, {}, "", 0) if type(found) is dict else None, [value])


def _function(functions: Sequence[Bound]) -> Callable[[Any], Any]:
    """Return one function that applies several, one after another."""
    return through(Value(lambda code, into: code.line(f"{into} = event")), functions).find
