"""Values of a mapping: paths, the first of several, constants, pipelines, lists, tables, objects."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.destinations import operators
from gateway.destinations.code import ABSENT, Constant, Value, folded
from gateway.destinations.conditions import Conditions
from gateway.destinations.functions.names import FUNCTIONS, Bound, bind
from gateway.destinations.grammar import MAX_LEVELS, Report, fill, present, suggest
from gateway.destinations.lines import Path
from gateway.destinations.objects import make_object, make_spread
from gateway.destinations.paths import compile_path
from gateway.destinations.pipelines import through
from gateway.event import FIELDS

OPERATORS: dict[str, frozenset[str]] = {
    "const": frozenset(),
    "setting": frozenset(),
    "use": frozenset(),
    "from": frozenset({"do"}),
    "each": frozenset({"as", "max", "else"}),
    "list": frozenset(),
    "join": frozenset({"by"}),
    "sum": frozenset(),
    "product": frozenset(),
    "count": frozenset(),
    "table": frozenset({"key", "default"}),
    "when": frozenset({"then", "else"}),
    "spread": frozenset({"omit", "flatten", "only", "keys", "do"}),
}
"""The words that make an object an operator, each with the words allowed beside it."""


class Values:
    """Compiles the values of one mapping with the settings of one sink."""

    def __init__(
        self,
        settings: Mapping[str, str],
        tables: Mapping[str, Mapping[str, Any]],
        templates: Mapping[str, Any],
        report: Report,
        *,
        members: bool = False,
    ) -> None:
        self._settings = settings
        self._tables = tables
        self._templates = templates
        self._report = report
        self._members = members
        member = self if members else Values(settings, tables, templates, report, members=True)
        self._conditions = Conditions(self.compile, member.compile, report)
        self._using: list[str] = []
        self._compilers: dict[str, Callable[[dict[str, Any], Path], Value]] = {
            "const": lambda raw, at: Constant(raw["const"]),
            "setting": self._setting,
            "use": self._use,
            "from": self._from,
            "each": self._each,
            "list": self._list,
            "join": self._join,
            "sum": lambda raw, at: self._fold(raw, at, "sum", lambda a, b: a + b),
            "product": lambda raw, at: self._fold(raw, at, "product", lambda a, b: a * b),
            "count": self._count,
            "table": self._table,
            "when": self._when,
            "spread": self._spread,
        }

    def compile(self, raw: Any, at: Path) -> Value:
        """Return a value; after a mistake, one that is absent."""
        if isinstance(raw, bool | int | float):
            return Constant(raw)
        if len(at) > MAX_LEVELS:
            self._report(at[:MAX_LEVELS], f"more than {MAX_LEVELS} levels deep")
            return ABSENT
        if isinstance(raw, str):
            try:
                path = fill(raw, self._settings)
                if path != raw and "" in path.split("."):
                    return ABSENT  # the setting is empty
                value = compile_path(path, members=self._members)
                self._check_field(path, at)
                return value
            except ValueError as error:
                self._report(at, str(error))
                return ABSENT
        if isinstance(raw, list):
            return self._first(raw, at)
        if not isinstance(raw, dict):
            self._report(at, f"expected a value, got {raw!r}")
            return ABSENT
        operators = [word for word in OPERATORS if word in raw]
        if not operators:
            return make_object(raw, at, self.compile, self._report)
        [word, *others] = operators
        unknown = [key for key in raw if key != word and key not in OPERATORS[word]]
        if others or unknown:
            hint = suggest(unknown[0], OPERATORS[word]) if unknown else ""
            stray = (unknown or others)[0]
            field = f'if {word} is a field of the vendor, write "={word}"'
            self._report((*at, stray), f"does not belong beside {word}{hint}; {field}")
            return ABSENT
        return self._compilers[word](raw, at)

    def _check_field(self, path: str, at: Path) -> None:
        """Report a path whose first step is not a field of events; checks and `unique` look into the item."""
        first = path.partition(".")[0]
        if at[0] != "checks" and at[-1] != "unique" and first not in ("", "$", "@", *FIELDS):
            hint = suggest(first, FIELDS)
            self._report(at, f'events have no field {first!r}{hint}; a text itself is {{const = "{path}"}}')

    def condition(self, raw: Any, at: Path) -> Value:
        """Return a condition."""
        return self._conditions.compile(raw, at)

    def pipeline(self, raw: Any, at: Path) -> list[Bound]:
        """Return the functions that a list names."""
        found: list[Bound] = []
        if not isinstance(raw, list) or not all(isinstance(each, str) for each in raw):
            self._report(at, 'expected a list of functions such as ["trim", "lower"]')
            return found
        for index, written in enumerate(raw):
            try:
                found.append(bind(fill(written, self._settings)))
            except LookupError:
                name = written.partition(":")[0]
                self._report((*at, index), f"there is no function {name!r}{suggest(name, FUNCTIONS)}")
            except ValueError as error:
                self._report((*at, index), str(error))
        return found

    def _first(self, raw: list[Any], at: Path) -> Value:
        values = [self.compile(each, (*at, index)) for index, each in enumerate(raw)]
        values = [each for each in values if not (isinstance(each, Constant) and each.value is None)]
        if not values:
            return ABSENT
        if len(values) == 1 or isinstance(values[0], Constant):
            return values[0]
        return operators.first(values)

    def _setting(self, raw: dict[str, Any], at: Path) -> Value:
        name = raw["setting"]
        if name not in self._settings:
            known = suggest(str(name), self._settings)
            self._report((*at, "setting"), f"there is no setting {name!r}{known}")
            return ABSENT
        return Constant(present(self._settings[name]))

    def _use(self, raw: dict[str, Any], at: Path) -> Value:
        name = raw["use"]
        if name not in self._templates or name in self._using:
            known = "" if name in self._using else suggest(str(name), self._templates)
            problem = "uses itself" if name in self._using else f"there is no template {name!r}{known}"
            self._report((*at, "use"), problem)
            return ABSENT
        self._using.append(name)
        value = self.compile(self._templates[name], ("templates", name))
        self._using.pop()
        return value

    def _from(self, raw: dict[str, Any], at: Path) -> Value:
        value = self.compile(raw["from"], (*at, "from"))
        return folded(through(value, self.pipeline(raw.get("do", []), (*at, "do"))), value)

    def _each(self, raw: dict[str, Any], at: Path) -> Value:
        value = self.compile(raw["each"], (*at, "each"))
        template = self.compile(raw.get("as", "."), (*at, "as"))
        otherwise = self.compile(raw["else"], (*at, "else")) if "else" in raw else ABSENT
        most = raw.get("max", 0)
        if not isinstance(most, int) or most < 0:
            self._report((*at, "max"), "expected a whole number")
            return ABSENT
        return operators.each(value, template, otherwise, most)

    def _list(self, raw: dict[str, Any], at: Path) -> Value:
        return operators.all_of(self._several(raw["list"], (*at, "list")))

    def _join(self, raw: dict[str, Any], at: Path) -> Value:
        values = self._several(raw["join"], (*at, "join"))
        by = raw.get("by", "")
        if not isinstance(by, str):
            self._report((*at, "by"), "expected a text")
            return ABSENT
        return operators.joined(values, by)

    def _fold(self, raw: dict[str, Any], at: Path, word: str, operation: Callable[[Any, Any], Any]) -> Value:
        parts = raw[word]
        several = isinstance(parts, list)
        values = self._several(parts, (*at, word)) if several else self.compile(parts, (*at, word))
        return operators.fold(values, operation, whole=word == "product")

    def _count(self, raw: dict[str, Any], at: Path) -> Value:
        return operators.count(self.compile(raw["count"], (*at, "count")))

    def _table(self, raw: dict[str, Any], at: Path) -> Value:
        name = raw["table"]
        table = self._tables.get(name) if isinstance(name, str) else None
        if table is None:
            self._report((*at, "table"), f"there is no table {name!r}{suggest(str(name), self._tables)}")
            return ABSENT
        key = self.compile(raw.get("key"), (*at, "key"))
        default = self.compile(raw["default"], (*at, "default")) if "default" in raw else ABSENT
        return operators.look_up(table, key, default)

    def _when(self, raw: dict[str, Any], at: Path) -> Value:
        condition = self.condition(raw["when"], (*at, "when"))
        then = self.compile(raw.get("then"), (*at, "then"))
        otherwise = self.compile(raw["else"], (*at, "else")) if "else" in raw else ABSENT
        return operators.when(condition, then, otherwise)

    def _spread(self, raw: dict[str, Any], at: Path) -> Value:
        return make_spread(
            raw,
            self.compile(raw["spread"], (*at, "spread")),
            self.pipeline(raw.get("keys", []), (*at, "keys")),
            self.pipeline(raw.get("do", []), (*at, "do")),
            lambda key, text: self._report((*at, key), text),
        )

    def _several(self, raw: Any, at: Path) -> list[Value]:
        if not isinstance(raw, list):
            self._report(at, "expected a list of values")
            return []
        return [self.compile(each, (*at, index)) for index, each in enumerate(raw)]
