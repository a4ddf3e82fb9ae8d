"""The operators of a mapping whose parts are values: the first of several, each of a list, joined texts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.destinations.code import ABSENT, Code, Constant, Value, folded
from gateway.destinations.functions.names import as_text

_COUNTED = (list, dict)


def first(values: Sequence[Value]) -> Value:
    """Return the first of several values that is not absent."""

    def write(code: Code, into: str) -> None:
        code.put(values[0], into)
        for value in values[1:]:
            with code.block(f"if {into} is None:"):
                code.put(value, into)

    return Value(write)


def each(value: Value, template: Value, otherwise: Value, most: int) -> Value:
    """Return the list of a template's results for each entry, for at most `most` entries unless that is 0."""

    def write(code: Code, into: str) -> None:
        code.put(value, into)
        with code.block(f"if {into} is not None:"):
            entries = code.variable()
            code.line(f"{entries} = {into} if type({into}) is list else [{into}]")
            code.line(f"{into} = []")
            with code.loop(f"{entries}[:{most}]" if most else entries):
                made = code.evaluate(template)
                code.line(f"if {made} is not None: {into}.append({made})")
            code.line(f"if not {into}: {into} = None")
        if otherwise is not ABSENT:
            with code.block(f"if {into} is None:"):
                code.put(otherwise, into)

    return Value(write)


def all_of(values: Sequence[Value]) -> Value:
    """Return the list of the values that are not absent."""

    def write(code: Code, into: str) -> None:
        made = code.variable()
        code.line(f"{made} = []")
        for value in values:
            found = code.evaluate(value)
            code.line(f"if {found} is not None: {made}.append({found})")
        code.line(f"{into} = {made} or None")

    return Value(write)


def joined(values: Sequence[Value], by: str) -> Value:
    """Return the texts and numbers among the values, joined as one text."""

    def join(*found: Any) -> str | None:
        texts = [as_text(value) for value in found]
        return by.join(text for text in texts if text) or None

    return called(join, values)


def fold(values: Sequence[Value] | Value, operation: Callable[[Any, Any], Any], *, whole: bool) -> Value:
    """Return an operation's result for the numbers; with `whole`, absent unless all values are numbers."""

    def total(*found: Any) -> Any:
        numbers = [number for number in found if type(number) in (int, float)]
        if not numbers or (whole and len(numbers) < len(found)):
            return None
        result = numbers[0]
        for number in numbers[1:]:
            result = operation(result, number)
        return result

    if isinstance(values, Value):
        return called(lambda found: total(*(found if type(found) is list else [found])), [values])
    return called(total, values)


def count(value: Value) -> Value:
    """Return the number of entries of a list, or of members of an object."""
    return called(lambda found: len(found) if type(found) in _COUNTED else None, [value])


def called(function: Callable[..., Any], values: Sequence[Value]) -> Value:
    """Return the result of a function for values, absent or not."""

    def write(code: Code, into: str) -> None:
        code.line(f"{into} = {code.name(function)}({', '.join([code.evaluate(value) for value in values])})")

    return folded(Value(write), *values)


def look_up(table: Mapping[str, Any], key: Value, default: Value) -> Value:
    """Return the entry of a table for a text or a number."""

    def write(code: Code, into: str) -> None:
        found = code.evaluate(key)
        code.line(f"{into} = {code.name(table)}.get({code.name(as_text)}({found}))")
        if default is not ABSENT:
            with code.block(f"if {into} is None:"):
                code.put(default, into)

    return Value(write)


def when(condition: Value, then: Value, otherwise: Value) -> Value:
    """Return one of two values."""
    if isinstance(condition, Constant):
        return then if condition.value else otherwise

    def write(code: Code, into: str) -> None:
        with code.block(f"if {code.evaluate(condition)}:"):
            code.put(then, into)
        with code.block("else:"):
            code.put(otherwise, into)

    return Value(write)
