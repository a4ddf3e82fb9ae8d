"""A mapping compiled for the settings of one sink: it turns events into items of requests."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.destinations import settings as settings_of
from gateway.destinations.calls import DEFAULT, Call, compile_calls
from gateway.destinations.encoding import decode, encode
from gateway.destinations.functions.numbers import time_ms
from gateway.destinations.grammar import Refused
from gateway.destinations.lines import Path
from gateway.destinations.rules import Rule, compile_checks, compile_rules, first_broken
from gateway.destinations.values import Values
from gateway.destinations.vendor import BadMapping, Vendor

_MAX_KNOWN_NAMES = 1000
"""The most event names whose rules are remembered; clients may send any number of names."""

_MAX_ITEMS = 1000
_MAX_BYTES = 1024 * 1024
"""The most that one event may become: if a rule has `each`, the client decides how many items there are."""


class Item(msgspec.Struct, gc=False):
    """What one event, or part of it, becomes in a request."""

    call: Call
    into: str
    data: bytes
    envelope: Any
    """The members that all items of its request must share."""
    unique: str | int | None
    """A value that no other item of its request may have, or None."""


class Program:
    """Turns events into items. It has no state but a cache; for use by one thread at a time."""

    def __init__(self, vendor: Vendor, given: Mapping[str, str]) -> None:
        """Raise BadMapping for mistakes in the mapping. Missing and unknown settings are not checked here."""
        mistakes: list[str] = []

        def report(path: Path, text: str) -> None:
            if _is_taken_over(path, vendor.table):
                return
            mistake = f"{vendor.place(path)}: {text}"
            if mistake not in mistakes:
                mistakes.append(mistake)

        for path, text in vendor.mistakes():
            report(path, text)
        if mistakes:
            raise BadMapping(*mistakes)
        table = vendor.table
        self.settings, wrong = settings_of.read_settings(table.get("settings", {}))
        for path, text in wrong:
            report(path, text)
        resolved = settings_of.resolve(self.settings, given)
        values = Values(resolved, table.get("tables", {}), table.get("templates", {}), report)
        self.calls = compile_calls(table, values, resolved, report)
        for name, call in self.calls.items():  # for mistakes there, else found in each rule
            values.compile(call.common, ("common",) if name == DEFAULT else ("calls", name, "common"))
        self.rules = compile_rules(table.get("rules", []), self.calls, values, report)
        checks = compile_checks(table.get("checks", []), self.calls, values, report)
        self._broken = {name: first_broken(checks, name) for name in self.calls}
        if not table.get("rules"):
            report(("rules",), "there must be at least one")
        if mistakes:
            raise BadMapping(*mistakes)
        self.secrets = [
            resolved[name] for name, each in self.settings.items() if each.secret and resolved[name]
        ]
        self._known: dict[tuple[str, str], tuple[Rule, ...]] = {}

    def exclusion(self, type: str, name: str, line: bytes) -> str | None:
        """Return the filter, `type` or `event`, that excludes an event that no rule fits, or None."""
        rules = self._rules(type, name)
        if not rules:
            return "event" if any(type in rule.types for rule in self.rules) else "type"
        if all(rule.is_conditional for rule in rules):
            try:
                event = decode(line)
            except Refused:
                return None  # `items` raises it again, and the event becomes a dead letter
            if not any(rule.when.find(event) for rule in rules):
                return "event"
        return None

    def items(self, event: dict[str, Any], now: float) -> list[Item]:
        """
        Return what an event becomes; `now` is in seconds since 1970.

        Raises Refused if it breaks a rule of the vendor, is too old, or becomes nothing.
        """
        made: list[Item] = []
        size = 0
        for rule in self._rules(event["type"], event.get("event") or ""):
            if not rule.when.find(event):
                continue
            if rule.call.limits.max_age or rule.call.limits.max_future:
                _check_age(event, rule.call, now)
            found = [None] if rule.each is None else rule.each.find(event)
            entries = found if isinstance(found, list) else [] if found is None else [found]
            for entry in entries:
                item = self._item(rule, event, entry)
                made.append(item)
                size += len(item.data)
                if len(made) > _MAX_ITEMS or size > _MAX_BYTES:
                    raise Refused(
                        "too_large", f"it becomes more than {_MAX_ITEMS} items, or {_MAX_BYTES} bytes"
                    )
            if not rule.goes_on:
                break
        if not made:
            raise Refused("nothing_to_send", "no rule of the mapping makes anything of the event")
        return made

    def _item(self, rule: Rule, event: dict[str, Any], entry: Any) -> Item:
        call = rule.call
        body = rule.body.find(event, entry) or {}
        envelope = call.envelope.find(event, entry)
        check = self._broken[call.name].find(body, envelope)
        if check:
            raise Refused(check.name, check.about or check.name.replace("_", " "))
        if call.items is None:
            body = {**call.body, **(envelope or {}), **body}
            envelope = None
        data = encode(body)
        if call.limits.item_bytes and len(data) > call.limits.item_bytes:
            raise Refused("too_large", f"{len(data)} bytes; the vendor takes {call.limits.item_bytes}")
        unique = call.unique.find(body)
        return Item(call, rule.into, data, envelope, unique if isinstance(unique, str | int) else None)

    def _rules(self, type: str, name: str) -> tuple[Rule, ...]:
        rules = self._known.get((type, name))
        if rules is None:
            rules = tuple(rule for rule in self.rules if rule.fits(type, name))
            if len(self._known) < _MAX_KNOWN_NAMES:
                self._known[type, name] = rules
        return rules


def _is_taken_over(path: Path, table: dict[str, Any]) -> bool:
    """Return True if a place in a rule exists only because the rule adds to the common members."""
    below: Any = table
    for depth, step in enumerate(path):
        if isinstance(below, dict) and step not in below:
            return path[0] == "rules" and depth >= 2
        if not isinstance(below, dict | list):
            return False
        below = below[step]  # type: ignore[index]  # a path has the steps that tables and lists have
    return False


def _check_age(event: dict[str, Any], call: Call, now: float) -> None:
    moment = time_ms(event.get("timestamp"))
    if moment is None:
        return
    age = now - moment / 1000
    if call.limits.max_age and age > call.limits.max_age:
        raise Refused("too_old", f"{age / 3600:.1f} h old; the vendor takes {call.limits.max_age / 3600:g} h")
    if call.limits.max_future and -age > call.limits.max_future:
        raise Refused(
            "in_future", f"{-age:.0f} s in the future; the vendor takes {call.limits.max_future:g} s"
        )
