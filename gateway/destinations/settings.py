"""The settings of a destination: what a mapping requires of the operator, under the vendor's names."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.destinations.grammar import suggest
from gateway.destinations.lines import Path


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One setting, as a table [settings.NAME] of a mapping describes it."""

    about: str = ""
    """A line for operators."""
    secret: bool = False
    default: str | None = None
    """None: the setting must be given. An empty text is absent in requests."""
    values: dict[str, str] | list[str] | None = None
    """The only values that are allowed; a table says what each of them stands for."""
    matches: str = ""
    """A regular expression for the whole value."""

    def problem(self, value: str) -> str | None:
        """Return what is wrong with a value, without repeating it; None if nothing is."""
        if not value:
            return "must not be empty" if self.default is None else None
        if self.values is not None and value not in self.values:
            return f"expected one of {', '.join(repr(each) for each in self.values)}"
        if self.matches and not re.fullmatch(self.matches, value, re.ASCII):
            return f"expected what matches {self.matches}"
        return None

    def resolve(self, value: str) -> str:
        """Return what a value stands for."""
        return self.values.get(value, value) if isinstance(self.values, dict) else value


def read_settings(table: Mapping[str, Any]) -> tuple[dict[str, Setting], list[tuple[Path, str]]]:
    """Return the settings of a mapping by name, and the mistakes in their tables."""
    found: dict[str, Setting] = {}
    mistakes: list[tuple[Path, str]] = []
    for name, each in table.items():
        at = ("settings", name)
        try:
            setting = found[name] = msgspec.convert(each, Setting)
            re.compile(setting.matches)
        except msgspec.ValidationError as error:
            mistakes.append((at, str(error)))
            continue
        except re.error as error:
            mistakes.append(((*at, "matches"), f"not a regular expression: {error}"))
            continue
        if setting.default and (problem := setting.problem(setting.default)):
            mistakes.append(((*at, "default"), problem))
        if not re.fullmatch(r"\w+", name):
            mistakes.append((at, "a setting's name has only letters, digits and _"))
    return found, mistakes


def mistakes(known: Mapping[str, Setting], given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each mistake in the settings that an operator gives."""
    for name, value in given.items():
        if name not in known:
            yield name, f"unknown; expected {', '.join(known) or 'none'}{suggest(name, known)}"
        elif problem := known[name].problem(value):
            yield name, problem
    for name, setting in known.items():
        if setting.default is None and name not in given:
            yield name, f"missing{f': {setting.about}' if setting.about else ''}"


def resolve(known: Mapping[str, Setting], given: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each setting; an empty text for one that is missing."""
    return {name: each.resolve(given.get(name, each.default or "")) for name, each in known.items()}
