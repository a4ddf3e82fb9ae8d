"""From gateway.toml to a Config: find the file, read it, and check every key."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.reader import Reader
from gateway.config.tables import Config
from gateway.errors import ConfigError

BUILT_IN = """
[sources.default]
write_keys = ["dev"]

[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""
"""The configuration used if there is no file."""


def find(file: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the configuration file: `file`, else $GATEWAY_CONFIG, else ./gateway.toml, if any."""
    if file is None and environment.get("GATEWAY_CONFIG"):
        return Path(environment["GATEWAY_CONFIG"])
    if file is None and Path("gateway.toml").exists():
        return Path("gateway.toml")
    return file


def load(file: Path | None, data: Path | None, environment: Mapping[str, str]) -> Config:
    """
    Read a configuration from the file that `find` finds; without one, it is the built-in one.

    `data` replaces the folder "data" if the configuration does not say where things are stored. Raises
    ConfigError with one line per mistake, naming file, table and key.
    """
    file = find(file, environment)
    tables = parse(file) if file else tomllib.loads(BUILT_IN)
    if data:
        journal = tables.setdefault("journal", {})
        if isinstance(journal, dict):  # if not, the reader reports it
            journal.setdefault("path", _literal(data.absolute() / "journal"))
        if not file:
            tables["sinks"]["events"]["path"] = _literal(data.absolute() / "events.jsonl")
    folder = file.absolute().parent if file else Path.cwd()
    reader = Reader(str(file or "built-in configuration"), folder, environment, parse)
    return reader.read(tables, built_in=not file)


def parse(file: Path) -> dict[str, Any]:
    """Return the tables of a TOML file. Raises ConfigError."""
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))  # some editors begin a file with a BOM
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML: the message has the line
        raise ConfigError(f"{file}: {error}") from error


def _literal(path: Path) -> str:
    """Return a path as written in a configuration, where a "$" would begin a reference."""
    return str(path).replace("$", "$$")
