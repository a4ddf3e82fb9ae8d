"""From gateway.toml to a Config: read, filled in from the environment, and checked to the last key."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.config.tables import (
    Config,
    Delivery,
    Inspector,
    Journal,
    Server,
    contradictions,
    suggest,
)
from gateway.config.units import Duration, Size
from gateway.errors import ConfigError
from gateway.sinks import KINDS
from gateway.sources import Source
from gateway.webhooks.places import Entries, Place
from gateway.webhooks.table import Fields, Webhook

BUILT_IN = """
[sources.default]
write_keys = ["dev"]

[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""
"""What runs where nobody has written anything."""


def find(file: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The file that a configuration is read from, if there is any."""
    if file is None and environment.get("GATEWAY_CONFIG"):
        return Path(environment["GATEWAY_CONFIG"])
    if file is None and Path("gateway.toml").exists():
        return Path("gateway.toml")
    return file


def load(file: Path | None, data: Path | None, environment: Mapping[str, str]) -> Config:
    """
    Read a configuration: `file`, else $GATEWAY_CONFIG, else ./gateway.toml, else what is built in.

    `data` takes the place of the folder "data" where the configuration leaves a path to us. ConfigError has
    one line a mistake, naming file, table and key.
    """
    file = find(file, environment)
    tables = _parse(file) if file else tomllib.loads(BUILT_IN)
    if data:
        journal = tables.setdefault("journal", {})
        if isinstance(journal, dict):  # else it will be told of
            journal.setdefault("path", str(data.absolute() / "journal"))
        if not file:
            tables["sinks"]["events"]["path"] = str(data.absolute() / "events.jsonl")
    folder = file.absolute().parent if file else Path.cwd()
    return _Check(str(file or "built-in configuration"), folder, environment).config(tables, not file)


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML: the message has the line
        raise ConfigError(f"{file}: {error}") from error


class _Check:
    """One pass over the tables of a file, in which every mistake is noted."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        self.environment = environment
        self.mistakes: list[str] = []

    def config(self, tables: dict[str, Any], built_in: bool) -> Config:
        known = ("server", "inspector", "journal", "delivery", "sources", "sinks")
        for key in tables.keys() - set(known):
            self._note(f"[{key}]", f"unknown table{suggest(key, known)}")
        parts = {
            "server": self._table("server", Server, tables.get("server", {})),
            "inspector": self._table("inspector", Inspector, tables.get("inspector", {})),
            "journal": self._table("journal", Journal, tables.get("journal", {})),
            "delivery": self._table("delivery", Delivery, tables.get("delivery", {})),
            "sources": {
                name: self._table(f"sources.{name}", Source, table, name=name)
                for name, table in self._named(tables, "sources").items()
            },
            "sinks": {
                name: self._sink(f"sinks.{name}", table)
                for name, table in self._named(tables, "sinks").items()
            },
        }
        if not self.mistakes:
            config = Config(**parts, built_in=built_in)
            for where, what in contradictions(config):
                self._note(where, what)
        if self.mistakes:
            raise ConfigError(*(f"{self.name}: {mistake}" for mistake in self.mistakes))
        return config

    def _named(self, tables: dict[str, Any], kind: str) -> dict[str, Any]:
        found = tables.get(kind)
        if isinstance(found, dict) and found:
            return found
        self._note(f"[{kind}]", f"there must be at least one table [{kind}.NAME]")
        return {}

    def _sink(self, name: str, table: object) -> Any:
        kind = table.get("kind") if isinstance(table, dict) else None
        try:
            kind = self._fill(kind)
        except ValueError as error:
            return self._note(f"[{name}] kind", str(error))
        if not isinstance(table, dict) or not isinstance(kind, str) or kind not in KINDS:
            self._note(f"[{name}] kind", f"expected one of {', '.join(KINDS)}{suggest(kind, KINDS)}")
            return None
        return self._table(name, KINDS[kind], {k: v for k, v in table.items() if k != "kind"})

    def _table(self, where: str, shape: type[msgspec.Struct], table: object, **given: Any) -> Any:
        """The table in its shape, converted key by key; None after a mistake."""
        if not isinstance(table, dict):
            return self._note(f"[{where}]", "expected a table")
        fields = {f.encode_name: f for f in msgspec.structs.fields(shape) if f.name not in given}
        before = len(self.mistakes)
        values = dict(given)
        for key, value in ({"path": "data/journal"} | table if shape is Journal else table).items():
            if key not in fields:
                self._note(f"[{where}] {key}", f"unknown key{suggest(key, fields)}")
                continue
            try:
                if fields[key].type == (Webhook | None):
                    values[key] = self._webhook(where, value)
                elif fields[key].type is Fields:
                    values[key] = self._table(f"{where}.fields", Fields, value)
                else:
                    value, own = self._fill(value), fields[key]
                    values[own.name] = msgspec.convert(value, own.type, dec_hook=self._read)
            except ValueError as error:
                self._note(f"[{where}] {key}", str(error))
        for key, field in fields.items():
            if field.required and key not in table:
                self._note(f"[{where}] {key}", "missing")
        return shape(**values) if len(self.mistakes) == before else None

    def _webhook(self, where: str, value: object) -> Any:
        """A table, or the name of the file that has it."""
        where += ".webhook"
        if isinstance(value, str):
            file = self._read(Path, self._fill(value))
            where = f"{value} for {where}"
            try:
                value = _parse(file)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        webhook = self._table(where, Webhook, value)
        for key, what in webhook.mistakes() if webhook else ():
            self._note(f"[{where}.fields] {key}", what)
        return webhook

    def _fill(self, value: Any) -> Any:
        """Put in what ${NAME} stands for in the environment."""
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", self._variable, value)
        if isinstance(value, list):
            return [self._fill(each) for each in value]
        if isinstance(value, dict):
            return {key: self._fill(each) for key, each in value.items()}
        return value

    def _variable(self, found: re.Match[str]) -> str:
        if found[1] not in self.environment:
            raise ValueError(f"{found[0]} is not set in the environment")
        return self.environment[found[1]]

    def _read(self, kind: type, value: object) -> Any:
        """The types that TOML does not know."""
        if issubclass(kind, Duration | Size | Entries | Place):
            return kind.parse(value)
        if kind is Path and isinstance(value, str) and value and "\0" not in value:
            try:
                return self.folder / Path(value).expanduser()
            except RuntimeError as error:  # there is no such user
                raise ValueError(str(error)) from error
        raise ValueError(f"expected a path, got {value!r}")

    def _note(self, where: str, what: str) -> None:
        self.mistakes.append(f"{where}: {what}")
