"""
A vendor's mapping as in its file, with what it inherits from the one that it extends.

Mistakes name the file, the line and the key.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path as File
from typing import Any

from gateway.config.paths import read_file
from gateway.destinations.lines import Path, find_lines, line_of, spell

_FOLDER = File(__file__).parent / "vendors"
_MAX_BYTES = 1024 * 1024
"""The limit of an operator's mapping; those of the vendors have 20 KB at most."""
_TABLES = ("settings", "send", "calls", "envelope", "common", "tables", "templates", "answers")
_LISTS = ("rules", "checks")
_TEXTS = ("title", "docs", "extend")


class BadMapping(Exception):
    """A mapping that cannot be used; `mistakes` has a line for each reason."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Vendor:
    """A mapping, as its tables. `file` is its name for people."""

    def __init__(self, file: str, table: dict[str, Any], text: str, base: "Vendor | None" = None) -> None:
        self.file = file
        self.base = base
        self._own = table
        self._lines = find_lines(text)
        self.table: dict[str, Any] = _merge(base.table, table) if base else table

    @property
    def title(self) -> str:
        return str(self.table.get("title", ""))

    @property
    def docs(self) -> str:
        """The address of the vendor's documents."""
        return str(self.table.get("docs", ""))

    def place(self, path: Path) -> str:
        """Return file, line and key of a place in the merged tables."""
        own = path
        if self.base and len(path) > 1 and path[0] in _LISTS and isinstance(path[1], int):
            before = len(self._own.get(path[0], []))
            if path[1] >= before:
                return self.base.place((path[0], path[1] - before, *path[2:]))
        elif self.base and not _has(self._own, path):
            return self.base.place(path)
        line = line_of(own, self._lines)
        return f"{self.file}{f':{line}' if line else ''}: {spell(path)}"

    def mistakes(self) -> Iterator[tuple[Path, str]]:
        """Yield what is wrong with the tables as such."""
        for key, value in self.table.items():
            kinds = (
                (dict, "a table")
                if key in _TABLES
                else (list, "an array of tables")
                if key in _LISTS
                else (str, "a text")
            )
            if key not in (*_TABLES, *_LISTS, *_TEXTS):
                yield (key,), f"unknown; expected {', '.join((*_TEXTS, *_TABLES, *_LISTS))}"
            elif not isinstance(value, kinds[0]):
                yield (key,), f"expected {kinds[1]}"
            elif key in _LISTS and not all(isinstance(each, dict) for each in value):
                yield (key,), "expected an array of tables"


class MappingFile:
    """A mapping file as it was when the configuration was read. Two are equal if their texts are."""

    __slots__ = ("path", "text")

    def __init__(self, path: File | str, text: str = "") -> None:
        self.path = File(path)
        self.text = text

    @classmethod
    def read(cls, path: File) -> "MappingFile":
        """Return the file. Raises ValueError if it cannot be read, or is too large."""
        found = read_file(path, _MAX_BYTES)
        try:
            return cls(path, found.decode())
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: {error}") from error

    def vendor(self) -> Vendor:
        """Return its mapping. Raises BadMapping."""
        return read(self.text, str(self.path))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MappingFile) and (self.path, self.text) == (other.path, other.text)

    def __hash__(self) -> int:
        return hash((self.path, self.text))

    def __str__(self) -> str:
        return str(self.path)


def read(text: str, file: str) -> Vendor:
    """Return the mapping in a text. Raises BadMapping."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMapping(f"{file}: {error}") from error
    extended = table.get("extend")
    if extended is None:
        return Vendor(file, table, text)
    if extended not in names():
        place = Vendor(file, table, text).place(("extend",))
        raise BadMapping(f"{place}: expected one of {', '.join(names())}, got {extended!r}")
    return Vendor(file, table, text, built_in(extended))


@cache
def names() -> tuple[str, ...]:
    """Return the names of the mappings that come with the gateway."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


@cache
def built_in(name: str) -> Vendor:
    """Return a mapping that comes with the gateway. Raises BadMapping, or OSError if there is none."""
    return read((_FOLDER / f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def _merge(under: Mapping[str, Any], over: Mapping[str, Any], *, top: bool = True) -> dict[str, Any]:
    """
    Return tables merged at every level; `over` wins.

    Rules and checks of `over` come before those of `under`: the first rule that fits an event counts.
    """
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not _is_operator(value, below):
            merged[key] = _merge(below, value, top=False)
        elif top and key in _LISTS and isinstance(value, list) and isinstance(below, list):
            merged[key] = [*value, *below]
        else:
            merged[key] = value
    return merged


def _is_operator(value: dict[str, Any], below: dict[str, Any]) -> bool:
    """Return True if one of two tables is a value in itself, so that `value` replaces `below`."""
    words = {"const", "setting", "use", "from", "each", "list", "join", "sum", "product", "count", "table"}
    return any(not words.isdisjoint(each) or "when" in each or "spread" in each for each in (value, below))


def _has(table: Any, path: Path) -> bool:
    """Return True if the first steps of a path, at most two, lead to something in a table."""
    for step in path[:2]:
        if not isinstance(table, dict) or step not in table:
            return False
        table = table[step]
    return True
