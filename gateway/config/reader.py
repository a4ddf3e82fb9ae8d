"""Turn the tables of a TOML file into a Config, or report every mistake in them."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, get_args, runtime_checkable

import msgspec

from gateway.config.contradictions import contradictions
from gateway.config.environment import fill
from gateway.config.secret import Secret, Secrets
from gateway.config.tables import Config, Delivery, Inspector, Journal, Server, State, suggest
from gateway.config.units import Duration, Rate, Size
from gateway.destinations.vendor import MappingFile
from gateway.errors import ConfigError
from gateway.sinks import KINDS
from gateway.sources import NAMED, Source
from gateway.webhooks.places import Entries, Place

_PARTS: dict[str, type[msgspec.Struct]] = {
    "server": Server,
    "inspector": Inspector,
    "journal": Journal,
    "delivery": Delivery,
    "state": State,
}
_FAMILIES = ("sources", "sinks")
_MAX_NAME = 100  # characters of the name of a source or a sink
_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@runtime_checkable
class Checked(Protocol):
    """A table that checks itself, beyond what its types say."""

    def check(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the text of each mistake in the table."""


class Reader:
    """
    Reads the tables of one file; relative paths are relative to its `folder`.

    `parse` reads the files that hold tables of their own. No mistake's text repeats a secret.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        environment: Mapping[str, str],
        parse: Callable[[Path], dict[str, Any]],
    ) -> None:
        self._name = name
        self._folder = folder
        self._environment = environment
        self._parse = parse
        self._mistakes: list[str] = []

    def read(self, tables: dict[str, Any], *, built_in: bool) -> Config:
        """Return the configuration. Raises ConfigError with one line per mistake."""
        known = (*_PARTS, *_FAMILIES)
        for key in (each for each in tables if each not in known):
            self._report(f"[{key}]", f"unknown table{suggest(key, known)}")
        parts: dict[str, Any] = {
            name: self._table(name, shape, tables.get(name, {})) for name, shape in _PARTS.items()
        }
        parts["sources"] = {
            name: self._table(f"sources.{name}", Source, table, name=name)
            for name, table in self._family(tables, "sources").items()
        }
        parts["sinks"] = {
            name: self._sink(f"sinks.{name}", table) for name, table in self._family(tables, "sinks").items()
        }
        if not self._mistakes:
            config = Config(**parts, built_in=built_in)
            for where, text in contradictions(config):
                self._report(where, text)
        if self._mistakes:
            raise ConfigError(*(f"{self._name}: {mistake}" for mistake in self._mistakes))
        return config

    def _family(self, tables: dict[str, Any], kind: str) -> dict[str, Any]:
        found = tables.get(kind)
        if isinstance(found, dict) and found:
            for name in found:
                if not _is_name(name):  # it is used in addresses, batch ids, file names and logs
                    self._report(
                        f"[{kind}.{name}]",
                        f"a name has 1 to {_MAX_NAME} printable characters,"
                        " no / among them, and not dots alone",
                    )
            return found
        self._report(f"[{kind}]", f"there must be at least one table [{kind}.NAME]")
        return {}

    def _sink(self, where: str, table: object) -> Any:
        try:
            kind = fill(table.get("kind") if isinstance(table, dict) else None, self._environment)
            shape = KINDS.get(kind) if isinstance(kind, str) else None
        except ValueError as error:
            return self._report(f"[{where}] kind", str(error))
        except ModuleNotFoundError as error:
            driver = f"{error.name} is missing: pip install 'event-gateway[{kind}]'"
            return self._report(f"[{where}] kind", driver)
        if not isinstance(table, dict) or shape is None:
            known = f"expected one of {', '.join(KINDS)}{suggest(kind, KINDS)}"
            return self._report(f"[{where}] kind", known)
        return self._table(where, shape, {key: value for key, value in table.items() if key != "kind"})

    def _table(self, where: str, shape: type[msgspec.Struct], table: object, **given: Any) -> Any:
        """Return the table in its shape, converted key by key; None after a mistake."""
        if not isinstance(table, dict):
            return self._report(f"[{where}]", "expected a table")
        fields = {f.encode_name: f for f in msgspec.structs.fields(shape) if f.name not in given}
        before = len(self._mistakes)
        values = dict(given)
        for key, value in table.items():
            if key not in fields:
                self._report(f"[{where}] {key}", f"unknown key{suggest(key, fields)}")
                continue
            try:
                values[fields[key].name] = self._value(where, fields[key], value)
            except ValueError as error:
                self._report(f"[{where}] {key}", str(error))
        for key, field in fields.items():
            if key in table:
                continue
            if field.required:
                self._report(f"[{where}] {key}", "missing")
            elif isinstance(field.default, Path):
                values[field.name] = self._folder / field.default
        if len(self._mistakes) > before:
            return None
        made = shape(**values)
        if isinstance(made, Checked):
            for key, text in made.check():
                self._report(f"[{where}] {key}", text)
        return made

    def _value(self, where: str, field: msgspec.structs.FieldInfo, value: Any) -> Any:
        """Return the value of one key. Raises ValueError, which repeats no secret."""
        types = list(_types(field.type))
        shape = next((each for each in types if _is_table(each)), None)
        if shape and NAMED in types and isinstance(value, str):
            return self._named(f"{where}.{field.encode_name}", shape, value)
        if shape and all(each in (shape, NAMED, type(None)) for each in types):
            return self._table(f"{where}.{field.encode_name}", shape, value)
        may_be_none = isinstance(field.default, Secret) or (Duration in types and field.default is None)
        if value == "" and may_be_none:
            return field.default
        filled = fill(value, self._environment, paths=Place in types or Entries in types)
        if filled == "" != value and (Secret in types or Secrets in types):
            raise ValueError(f"{value} is empty")
        if isinstance(filled, str) and filled != value and (int in types or bool in types):
            filled = _number_or_boolean(filled, value)
        choices = [each for each in types if isinstance(each, str)]
        if (
            isinstance(filled, str)
            and filled not in choices
            and len(choices) == len(set(types) - {type(None)})
        ):
            raise ValueError(f"expected one of {', '.join(filter(None, choices))}{suggest(filled, choices)}")
        return msgspec.convert(filled, field.type, dec_hook=self._convert)

    def _named(self, where: str, shape: type[msgspec.Struct], value: str) -> Any:
        """Return the table that is in a file of its own."""
        file = self._convert(Path, fill(value, self._environment))
        try:
            table = self._parse(file)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self._table(f"{value} for {where}", shape, table)

    def _convert(self, kind: type, value: object) -> Any:
        """Convert to the types that TOML does not have."""
        if issubclass(kind, Duration | Rate | Size | Entries | Place | Secret | Secrets):
            return kind.parse(value)
        if issubclass(kind, MappingFile):
            return kind.read(self._convert(Path, value))
        if kind is Path and isinstance(value, str) and value and "\0" not in value:
            try:
                return self._folder / Path(value).expanduser()
            except RuntimeError as error:  # there is no such user
                raise ValueError(str(error)) from error
        raise ValueError(f"expected a path, got {value!r}")

    def _report(self, where: str, text: str) -> None:
        line = f"{where}: {text}"  # keys and texts of the file may have line breaks
        self._mistakes.append("".join(each if each.isprintable() else ascii(each)[1:-1] for each in line))


def _types(kind: Any) -> Iterator[Any]:
    """Yield the types, and the marks, that an annotation is made of."""
    inner = get_args(kind)
    for each in inner:
        yield from _types(each)
    if not inner:
        yield kind


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME and name.isprintable() and "/" not in name and name.strip(".") != ""


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _number_or_boolean(text: str, written: str) -> int | bool:
    """Return the value that a variable's text would have in TOML without quotes. Raises ValueError."""
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        return int(text)
    raise ValueError(f"{written}: expected a number, or true or false")
