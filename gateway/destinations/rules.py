"""Rules: which events become items of which call, and what the items contain."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.destinations.calls import DEFAULT, Call
from gateway.destinations.code import Code, Constant, Value
from gateway.destinations.grammar import LITERAL, MERGED, REQUIRED, Report, suggest
from gateway.destinations.lines import Path
from gateway.destinations.values import OPERATORS, Values
from gateway.event import TYPES
from gateway.raw import wildcards

_WORDS = ("on", "when", "call", "into", "each", "continue")
_ON = ("type", "event")
_ALWAYS = Constant(True)


class Rule(msgspec.Struct, frozen=True, eq=False):
    """One rule of a mapping."""

    types: frozenset[str]
    events: re.Pattern[str] | None
    """The event names; None: any name."""
    when: Value
    call: Call
    into: str
    """The list in the body that the item goes to; empty for the call's own list."""
    each: Value | None
    """Makes an item for each entry of a list."""
    body: Value
    goes_on: bool
    """True if later rules may make further items from the same event."""

    def fits(self, type: str, event: str) -> bool:
        """Return True if the rule is for events with a type and a name."""
        return type in self.types and (self.events is None or self.events.fullmatch(event) is not None)

    @property
    def is_conditional(self) -> bool:
        return self.when is not _ALWAYS


class Check(msgspec.Struct, frozen=True, eq=False):
    """A rule published by the vendor; an item that breaks it is not sent."""

    name: str
    about: str
    call: str
    """Empty: items of any call."""
    breaks: Value


def compile_rules(
    raw: list[dict[str, Any]], calls: Mapping[str, Call], values: Values, report: Report
) -> list[Rule]:
    """Return the rules in order; mistakes in them are reported."""
    return [
        rule
        for index, each in enumerate(raw)
        if (rule := _compile_rule(each, ("rules", index), calls, values, report))
    ]


def _compile_rule(
    raw: dict[str, Any], at: Path, calls: Mapping[str, Call], values: Values, report: Report
) -> Rule | None:
    types, events = _on(raw.get("on", {}), (*at, "on"), report)
    name = raw.get("call", DEFAULT)
    if name not in calls:
        if calls:
            report((*at, "call"), f"there is no call {name!r}{suggest(str(name), calls)}")
        return None
    call = calls[name]
    into = raw.get("into", "")
    if not isinstance(into, str) or (into and call.items is None):
        report((*at, "into"), "expected the name of a list in the body of a call that has `items`")
    goes_on = raw.get("continue", False)
    if not isinstance(goes_on, bool):
        report((*at, "continue"), "expected true or false")
    own = {key: value for key, value in raw.items() if key not in _WORDS}
    for key in own:
        if key in OPERATORS:
            report((*at, key), f"a rule has the members of an object; a vendor's key is {LITERAL}{key}")
            return None
    return Rule(
        types,
        events,
        values.condition(raw["when"], (*at, "when")) if "when" in raw else _ALWAYS,
        call,
        str(into),
        values.compile(raw["each"], (*at, "each")) if "each" in raw else None,
        values.compile(merge_templates(call.common, own), at),
        bool(goes_on),
    )


def _on(raw: Any, at: Path, report: Report) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """Return the types and the names that a rule is for."""
    if not isinstance(raw, dict) or set(raw) - set(_ON):
        report(at, 'expected {type = "track", event = "Order Completed"}')
        return frozenset(), None
    names = _texts(raw.get("event"), (*at, "event"), report)
    types = _texts(raw.get("type", "track" if names else [*TYPES]), (*at, "type"), report)
    for type in types:
        if type not in TYPES:
            report((*at, "type"), f"expected types among {', '.join(TYPES)}")
    return frozenset(types), wildcards.compile(names) if names else None


def _texts(raw: Any, at: Path, report: Report) -> list[str]:
    found = [] if raw is None else raw if isinstance(raw, list) else [raw]
    if not all(isinstance(each, str) for each in found):
        report(at, "expected a text or a list of texts")
        return []
    return found


def merge_templates(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return an object's template with the members of two templates; those of `over` win, required or not."""
    merged = dict(under)
    for key, value in over.items():
        plain = key if key.startswith((LITERAL, MERGED)) else key.removesuffix(REQUIRED)
        below = next((each for each in (plain, f"{plain}{REQUIRED}") if each in merged), None)
        if below is not None and _is_object(merged[below]) and _is_object(value):
            value = merge_templates(merged[below], value)
        if below is not None:
            del merged[below]
        merged[key] = value
    return merged


def _is_object(raw: Any) -> bool:
    return isinstance(raw, dict) and not any(word in raw for word in OPERATORS)


def compile_checks(
    raw: list[dict[str, Any]], calls: Mapping[str, Call], values: Values, report: Report
) -> list[Check]:
    """Return the checks in order; mistakes in them are reported."""
    checks = []
    for index, each in enumerate(raw):
        at = ("checks", index)
        for key in each:
            if key not in ("name", "about", "call", "if", "unless"):
                report((*at, key), "unknown; expected name, about, call, if, unless")
        name = each.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            report((*at, "name"), "expected a name of letters, digits and _")
        if each.get("call", DEFAULT) not in calls and calls:
            report((*at, "call"), "there is no such call")
        if ("if" in each) == ("unless" in each):
            report(at, "expected either `if` or `unless`")
            continue
        condition = values.condition(each.get("if", {"not": each.get("unless")}), at)
        checks.append(Check(str(name), str(each.get("about", "")), str(each.get("call", "")), condition))
    return checks


def first_broken(checks: Sequence[Check], call: str) -> Value:
    """Return the first check that an item of a call breaks, absent if it breaks none."""

    def write(code: Code, into: str) -> None:
        code.line(f"{into} = None")
        for check in checks:
            if check.call in ("", call):
                with code.block(f"if {into} is None:"):
                    code.line(f"if {code.evaluate(check.breaks)}: {into} = {code.name(check)}")

    return Value(write)
