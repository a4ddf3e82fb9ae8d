"""
Lines of keys in a TOML file, for errors that name them: tomllib does not tell where it found a value.

A key inside an inline table or an array gets the line on which the innermost key before it begins.
"""

import re
from collections.abc import Mapping, Sequence

Path = tuple[str | int, ...]
"""Keys and indexes from the top of a file to a value."""

_BARE = r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'"""
_KEY = rf"(?:{_BARE})(?:\s*\.\s*(?:{_BARE}))*"
_TABLE = re.compile(rf"\s*\[\s*({_KEY})\s*\]")
_ENTRY = re.compile(rf"\s*\[\[\s*({_KEY})\s*\]\]")
_VALUE = re.compile(rf"\s*({_KEY})\s*=")
_PART = re.compile(_BARE)


def find_lines(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of each table and each key that begins a line."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _ENTRY.match(line):
            name = _resolve(_parts(found[1]), counts)
            counts[name] = counts.get(name, -1) + 1
            table = (*name, counts[name])
        elif found := _TABLE.match(line):
            table = _resolve(_parts(found[1]), counts)
        elif found := _VALUE.match(line):
            lines.setdefault((*table, *_parts(found[1])), number)
            continue
        else:
            continue
        lines.setdefault(table, number)
    return lines


def line_of(path: Sequence[str | int], lines: Mapping[Path, int]) -> int | None:
    """Return the line of a value, or of the innermost table around it that has one."""
    for length in range(len(path), 0, -1):
        if line := lines.get(tuple(path[:length])):
            return line
    return None


def spell(path: Sequence[str | int]) -> str:
    """Return a path as people write it, such as `rules[2].params.value`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _parts(key: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(key))


def _resolve(name: Path, counts: Mapping[Path, int]) -> Path:
    """Add the index of the latest entry after each array of tables that a header goes through."""
    path: Path = ()
    for place, part in enumerate(name):
        path = (*path, part)
        if path in counts and place < len(name) - 1:
            path = (*path, counts[path])
    return path
