"""Conditions of a mapping: `{exists = "userId"}`, `{equals = ["type", "page"]}`, `{all = [...]}`."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from gateway.destinations.code import Code, Constant, Value, folded
from gateway.destinations.expressions import MAX_MATCHED, expression
from gateway.destinations.grammar import MAX_LEVELS, Report, suggest
from gateway.destinations.lines import Path
from gateway.raw import truth

_KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}

_LITERALS = (str, int, bool)
_NUMBERS = (int, float, bool)
_SIZED = (str, list, dict)

_MAX_MATCHED = 1000
_MAX_MATCHED_CHARACTERS = 100

CompileValue = Callable[[Any, Path], Value]


class Conditions:
    """Compiles conditions; their values are compiled by `value`, and those of members by `member`."""

    def __init__(self, value: CompileValue, member: CompileValue, report: Report) -> None:
        self._value = value
        self._member = member
        self._report = report
        self._forms: dict[str, Callable[[Any, Path], Value]] = {
            "exists": self._exists,
            "equals": self._equals,
            "in": self._in,
            "matches": self._matches,
            "kind": self._kind,
            "length": self._length,
            "between": self._between,
            "consent": self._consent,
            "every": self._every,
            "all": self._all,
            "any": self._any,
            "not": self._not,
        }

    def compile(self, raw: Any, at: Path) -> Value:
        """Return a condition; after a mistake, one that is always false."""
        if len(at) > MAX_LEVELS:
            self._report(at[:MAX_LEVELS], f"more than {MAX_LEVELS} levels deep")
            return _never
        names = [name for name in raw if name in self._forms] if isinstance(raw, dict) else []
        others = set(raw) - set(names) - {"is"} if isinstance(raw, dict) else set()
        if len(names) != 1 or others or ("is" in raw and names != ["every"]):
            hint = "".join(suggest(other, self._forms) for other in sorted(others))
            self._report(at, f"expected a condition, one of {', '.join(self._forms)}{hint}")
            return _never
        [name] = names
        if name == "every":
            return self._every(raw, at)
        return self._forms[name](raw[name], (*at, name))

    def _exists(self, raw: Any, at: Path) -> Value:
        return _test(self._value(raw, at), "{0} is not None")

    def _equals(self, raw: Any, at: Path) -> Value:
        value, wanted = self._pair(raw, at, "value and a literal")
        return _test(value, "{0} == {1}", wanted)

    def _in(self, raw: Any, at: Path) -> Value:
        value, wanted = self._pair(raw, at, "value and a list of texts")
        if not isinstance(wanted, list) or not all(isinstance(each, str | int) for each in wanted):
            self._report(at, "expected a value and a list of texts or numbers")
            return _never
        return _test(value, "type({0}) in {1} and {0} in {2}", _LITERALS, frozenset(wanted))

    def _matches(self, raw: Any, at: Path) -> Value:
        value, pattern = self._pair(raw, at, "value and a regular expression")
        try:
            matches = _matcher(expression(pattern).fullmatch)
        except ValueError as error:
            self._report(at, str(error))
            return _never
        return _test(value, "type({0}) is str and ({0} in {1} or {2}({0}))", *matches)

    def _kind(self, raw: Any, at: Path) -> Value:
        value, wanted = self._pair(raw, at, "value and kinds")
        names = wanted if isinstance(wanted, list) else [wanted]
        if not all(name in _KINDS for name in names):
            self._report(at, f"expected kinds among {', '.join(_KINDS)}")
            return _never
        return _test(value, "type({0}) in {1}", frozenset(kind for name in names for kind in _KINDS[name]))

    def _length(self, raw: Any, at: Path) -> Value:
        value, least, most = self._triple(raw, at)
        return _test(value, "type({0}) in {1} and {2} <= len({0}) <= {3}", _SIZED, least, most)

    def _between(self, raw: Any, at: Path) -> Value:
        value, least, most = self._triple(raw, at)
        return _test(value, "type({0}) in {1} and {2} <= {0} <= {3}", _NUMBERS, least, most)

    def _consent(self, raw: Any, at: Path) -> Value:
        """Return whether categories are granted, as in routing; an event without consent grants all."""
        if isinstance(raw, dict):
            name = self._value(raw, at)
            raw = [name.value] if isinstance(name, Constant) else None
        categories = [raw] if isinstance(raw, str) else raw
        if not isinstance(categories, list):
            self._report(at, "expected a category, a list of them, or a setting")
            return _never
        wanted = [each for each in categories if each]
        if not wanted:
            return Constant(True)
        return Value(
            lambda code, into: code.line(f"{into} = {code.name(_grants)}(event, {code.name(wanted)})")
        )

    def _every(self, raw: Any, at: Path) -> Value:
        value = self._value(raw.get("every"), (*at, "every"))
        holds = Conditions(self._member, self._member, self._report).compile(raw.get("is"), (*at, "is"))

        def write(code: Code, into: str) -> None:
            found = code.evaluate(value)
            code.line(f"{into} = True")
            members = f"enumerate({found}) if type({found}) is list else ()"
            with code.loop(f"({found}.items() if type({found}) is dict else {members})", keyed=True):
                code.put(holds, into)
                code.line(f"if not {into}: break")

        return Value(write)

    def _all(self, raw: Any, at: Path) -> Value:
        parts = [part for part in self._several(raw, at) if not _is_constant(part, value=True)]
        if not parts or any(_is_constant(part, value=False) for part in parts):
            return Constant(not parts)
        return _chain(parts, "if {0}:")

    def _any(self, raw: Any, at: Path) -> Value:
        parts = [part for part in self._several(raw, at) if not _is_constant(part, value=False)]
        if not parts or any(_is_constant(part, value=True) for part in parts):
            return Constant(bool(parts))
        return _chain(parts, "if not {0}:")

    def _not(self, raw: Any, at: Path) -> Value:
        return _test(self.compile(raw, at), "not {0}")

    def _several(self, raw: Any, at: Path) -> list[Value]:
        if not isinstance(raw, list):
            self._report(at, "expected a list of conditions")
            return []
        return [self.compile(each, (*at, index)) for index, each in enumerate(raw)]

    def _pair(self, raw: Any, at: Path, expected: str) -> tuple[Value, Any]:
        if not isinstance(raw, list) or len(raw) != 2:
            self._report(at, f"expected a {expected}")
            return Constant(None), ""
        return self._value(raw[0], (*at, 0)), raw[1]

    def _triple(self, raw: Any, at: Path) -> tuple[Value, float, float]:
        if not (isinstance(raw, list) and len(raw) == 3 and all(isinstance(n, int | float) for n in raw[1:])):
            self._report(at, "expected a value, the least and the most")
            return Constant(None), 0, 0
        return self._value(raw[0], (*at, 0)), raw[1], raw[2]


_never = Constant(False)


def _test(value: Value, form: str, *names: Any) -> Value:
    """Return a condition on a value: an expression of the value, {0}, and of others."""

    def write(code: Code, into: str) -> None:
        code.put(value, into)
        code.line(f"{into} = {form.format(into, *map(code.name, names))}")

    return folded(Value(write), value)


def _chain(parts: list[Value], head: str) -> Value:
    """Return the last condition evaluated: each is evaluated only if `head` holds for the one before."""

    def write(code: Code, into: str) -> None:
        code.put(parts[0], into)
        for part in parts[1:]:
            with code.block(head.format(into)):
                code.put(part, into)

    return Value(write)


def _matcher(match: Callable[[str], object]) -> tuple[set[str], Callable[[str], bool]]:
    """Return a set of texts known to match, since names recur, and a function for all others."""
    matched: set[str] = set()

    def matches(text: str) -> bool:
        if len(text) > MAX_MATCHED or not match(text):
            return False
        if len(matched) < _MAX_MATCHED and len(text) <= _MAX_MATCHED_CHARACTERS:
            matched.add(text)
        return True

    return matched, matches


def _is_constant(condition: Value, *, value: bool) -> bool:
    return isinstance(condition, Constant) and bool(condition.value) is value


def _grants(event: Any, categories: list[str]) -> bool:
    context = event.get("context")
    consent = context.get("consent") if isinstance(context, dict) else None
    if consent is None:
        return True
    stated = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(stated, dict):
        return not categories
    preferences = {name: _as_raw(said) for name, said in stated.items()}
    return all(truth.grants(preferences, category) for category in categories)


def _as_raw(said: Any) -> Raw:
    plain = isinstance(said, bool | int) or (isinstance(said, str) and said.isascii())
    return Raw(msgspec.json.encode(said)) if plain else _NOTHING


_NOTHING = Raw(b"null")
