"""Pass a value through functions, one after another."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, get_args

from gateway.destinations.code import Code, Value
from gateway.destinations.functions import identity, numbers, texts
from gateway.destinations.functions.names import Bound, as_text

_MAX_PIPELINES = 256
_MAX_RESULTS = 4096
_MAX_CHARACTERS = 128
"""The most characters of a text whose result is remembered."""

_EXPRESSIONS = {
    texts.text: "{0}",
    texts.trim: "{0}.strip()",
    texts.lower: "{0}.lower()",
    texts.upper: "{0}.upper()",
    texts.cut: "{0}[:{1}] if type({0}) is str else {0}",
    numbers.number: "{0} if type({0}) is int else {function}({0})",
}
"""The functions that mappings use most, as expressions, which take a third of the time of a call."""
_CALL = "{function}({arguments})"


def through(value: Value, functions: Sequence[Bound]) -> Value:
    """Return the result of the functions for a value; absent as soon as one returns nothing."""
    if not functions:
        return value
    steps = remembered(functions)

    def write(code: Code, into: str) -> None:
        code.put(value, into)
        with code.block(f"if {into} is not None:"):
            is_there, kind = "", object
            for each in steps:
                if each.of_text and kind is not str:
                    code.line(f"if type({into}) is not str: {into} = {code.name(as_text)}({into})")
                    is_there = f"if {into} is not None: "
                code.line(f"{is_there}{into} = {_expression(each, code, into)}")
                is_there, kind = f"if {into} is not None: ", each.returns
                if kind is str:
                    code.line(f"if not {into}: {into} = None")
                elif kind is Any or str in get_args(kind):
                    code.line(f'if {into} == "": {into} = None')

    return Value(write)


def _expression(function: Bound, code: Code, value: str) -> str:
    names = [value, *map(code.name, function.arguments)]
    form = _EXPRESSIONS.get(function.function, _CALL)
    return form.format(*names, function=code.name(function.function), arguments=", ".join(names))


def remembered(functions: Sequence[Bound]) -> Sequence[Bound]:
    """
    Return functions that do the same but remember results about people: the same people come again and
    again, and a hash takes ten times as long as a lookup.
    """
    if not any(each.function.__module__ == identity.__name__ for each in functions):
        return functions
    return [Bound(_remembering(tuple(functions)), (), functions[0].of_text, Any)]


@lru_cache(_MAX_PIPELINES)
def _remembering(functions: tuple[Bound, ...]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        for each in functions:
            value = each(value)
            if value is None or value == "":
                return None
        return value

    remember = lru_cache(_MAX_RESULTS)(run)
    return lambda value: (remember if type(value) is str and len(value) <= _MAX_CHARACTERS else run)(value)
