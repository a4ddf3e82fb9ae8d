"""Conditions of a mapping: `{exists = "userId"}`, `{equals = ["type", "page"]}`, `{all = [...]}`."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from gateway.destinations.grammar import (
    MAX_MATCHED,
    Condition,
    Constant,
    Report,
    Value,
    expression,
    suggest,
)
from gateway.destinations.lines import Path
from gateway.raw import truth

_KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}

_MAX_MATCHED = 1000
_MAX_MATCHED_CHARACTERS = 100

CompileValue = Callable[[Any, Path], Value]


class Conditions:
    """Compiles conditions; their values are compiled by `value`, and those of members by `member`."""

    def __init__(self, value: CompileValue, member: CompileValue, report: Report) -> None:
        self._value = value
        self._member = member
        self._report = report
        self._forms: dict[str, Callable[[Any, Path], Condition]] = {
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

    def compile(self, raw: Any, at: Path) -> Condition:
        """Return a condition; one that is always false after a mistake."""
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

    def _exists(self, raw: Any, at: Path) -> Condition:
        value = self._value(raw, at)
        if isinstance(value, Constant):
            return Constant(value.value is not None)
        return lambda event, entry: value(event, entry) is not None

    def _equals(self, raw: Any, at: Path) -> Condition:
        value, wanted = self._pair(raw, at, "value and a literal")
        if isinstance(value, Constant):
            return Constant(value.value == wanted)
        return lambda event, entry: bool(value(event, entry) == wanted)

    def _in(self, raw: Any, at: Path) -> Condition:
        value, wanted = self._pair(raw, at, "value and a list of texts")
        if not isinstance(wanted, list) or not all(isinstance(each, str | int) for each in wanted):
            self._report(at, "expected a value and a list of texts or numbers")
            return _never
        known = frozenset(wanted)

        def holds(event: Any, entry: Any) -> bool:
            found = value(event, entry)
            return isinstance(found, str | int) and found in known

        return Constant(holds(None, None)) if isinstance(value, Constant) else holds

    def _matches(self, raw: Any, at: Path) -> Condition:
        value, pattern = self._pair(raw, at, "value and a regular expression")
        try:
            match = expression(pattern).fullmatch
        except ValueError as error:
            self._report(at, str(error))
            return _never

        matched: set[str] = set()  # names come again and again: a third of the time of the expression

        def holds(event: Any, entry: Any) -> bool:
            found = value(event, entry)
            if type(found) is not str or len(found) > MAX_MATCHED:
                return False
            if found in matched:
                return True
            if not match(found):
                return False
            if len(matched) < _MAX_MATCHED and len(found) <= _MAX_MATCHED_CHARACTERS:
                matched.add(found)
            return True

        return Constant(holds(None, None)) if isinstance(value, Constant) else holds

    def _kind(self, raw: Any, at: Path) -> Condition:
        value, wanted = self._pair(raw, at, "value and kinds")
        names = wanted if isinstance(wanted, list) else [wanted]
        if not all(name in _KINDS for name in names):
            self._report(at, f"expected kinds among {', '.join(_KINDS)}")
            return _never
        kinds = frozenset(kind for name in names for kind in _KINDS[name])
        return lambda event, entry: type(value(event, entry)) in kinds

    def _length(self, raw: Any, at: Path) -> Condition:
        value, least, most = self._triple(raw, at)

        def holds(event: Any, entry: Any) -> bool:
            found = value(event, entry)
            return isinstance(found, str | list | dict) and least <= len(found) <= most

        return holds

    def _between(self, raw: Any, at: Path) -> Condition:
        value, least, most = self._triple(raw, at)

        def holds(event: Any, entry: Any) -> bool:
            found = value(event, entry)
            return isinstance(found, int | float) and bool(least <= found <= most)

        return holds

    def _consent(self, raw: Any, at: Path) -> Condition:
        """Return whether categories are granted, as routing says; an event without consent grants all."""
        if isinstance(raw, dict):
            name = self._value(raw, at)
            raw = [name(None, None)] if isinstance(name, Constant) else None
        categories = [raw] if isinstance(raw, str) else raw
        if not isinstance(categories, list):
            self._report(at, "expected a category, a list of them, or a setting")
            return _never
        wanted = [each for each in categories if each]
        if not wanted:
            return Constant(True)
        return lambda event, entry: _grants(event, wanted)

    def _every(self, raw: Any, at: Path) -> Condition:
        value = self._value(raw.get("every"), (*at, "every"))
        holds = Conditions(self._member, self._member, self._report).compile(raw.get("is"), (*at, "is"))

        def every(event: Any, entry: Any) -> bool:
            found = value(event, entry)
            members = (
                found.items() if type(found) is dict else enumerate(found) if type(found) is list else ()
            )
            for member in members:  # noqa: SIM110  # in half the time of `all`
                if not holds(event, member):
                    return False
            return True

        return every

    def _all(self, raw: Any, at: Path) -> Condition:
        parts = [part for part in self._several(raw, at) if not _is_constant(part, value=True)]
        if not parts or any(_is_constant(part, value=False) for part in parts):
            return Constant(not parts)

        def holds(event: Any, entry: Any) -> bool:
            for part in parts:  # noqa: SIM110  # in half the time of `all`
                if not part(event, entry):
                    return False
            return True

        return holds

    def _any(self, raw: Any, at: Path) -> Condition:
        parts = [part for part in self._several(raw, at) if not _is_constant(part, value=False)]
        if not parts or any(_is_constant(part, value=True) for part in parts):
            return Constant(bool(parts))

        def holds(event: Any, entry: Any) -> bool:
            for part in parts:  # noqa: SIM110  # in half the time of `any`
                if part(event, entry):
                    return True
            return False

        return holds

    def _not(self, raw: Any, at: Path) -> Condition:
        part = self.compile(raw, at)
        return Constant(not part.value) if isinstance(part, Constant) else lambda e, n: not part(e, n)

    def _several(self, raw: Any, at: Path) -> list[Condition]:
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


_never: Condition = Constant(False)


def _is_constant(condition: Condition, *, value: bool) -> bool:
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
