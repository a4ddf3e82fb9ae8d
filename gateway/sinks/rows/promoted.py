"""
Promoted columns: values inside an event that get their own column, by a sink's `columns`.

`columns = {revenue = "properties.revenue: number"}` names a column, the path of a value, and a type.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.raw import timestamps, truth
from gateway.raw.values import UNDECODABLE

ColumnType = Literal["text", "integer", "number", "boolean", "timestamp", "json"]
TYPES: tuple[ColumnType, ...] = get_args(ColumnType)

Converter = Callable[[Raw], Any]

ROOTS = ("properties", "traits", "context", "integrations", "extras", "native")
"""The objects of an event that a path may begin with."""

MAX_NAME_CHARACTERS = 63
"""The longest name of a column: PostgreSQL's limit."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_INTEGER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_MAX_NUMBER_CHARACTERS = 1000  # which int() reads quickly
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NULL = Raw(b"null")
_QUOTE = ord('"')

_decode_text = msgspec.json.Decoder(str).decode
_decode_scalar = msgspec.json.Decoder(str | int | float | bool | None).decode


def mistakes(columns: Mapping[str, str], reserved: Collection[str]) -> Iterator[str]:
    """Yield the text of each mistake in a sink's `columns`; no column may have a reserved name."""
    for name, description in columns.items():
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARACTERS:
            yield f"{name}: a column's name has a-z, 0-9 and _, and at most {MAX_NAME_CHARACTERS} characters"
        elif name in reserved:
            yield f"{name}: the table has a column of this name of its own"
        try:
            _parse(description)
        except ValueError as error:
            yield f"{name}: {error}"


def _parse(description: str) -> tuple[tuple[str, ...], ColumnType]:
    """Return the path and the type that a column's description names. Raises ValueError."""
    path, _, wanted = description.rpartition(":")
    found = next((type for type in TYPES if type == wanted.strip()), None)
    if found is None:
        raise ValueError(f'expected "path: type" with one of the types {", ".join(TYPES)}')
    parts = tuple(path.strip().split("."))
    if len(parts) < 2 or not all(part and part.isprintable() for part in parts) or parts[0] not in ROOTS:
        raise ValueError(f"expected a path such as properties.revenue into {', '.join(ROOTS)}")
    if '"' in path or "\\" in path:  # msgspec cannot look up such a key
        raise ValueError("a path has no quotation mark and no backslash")
    return parts, found


class Promoted:
    """Reads the promoted columns of events. Immutable."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        parsed = {name: _parse(description) for name, description in columns.items()}
        self.types = {name: type for name, (_, type) in parsed.items()}
        """The type of each column, in order."""
        self._nothing = [None] * len(parsed)
        leaves = [(path, index, _CONVERTERS[type]) for index, (path, type) in enumerate(parsed.values())]
        roots = dict.fromkeys(path[0] for path, _, _ in leaves)
        self._roots = [(root, _Level([leaf for leaf in leaves if leaf[0][0] == root], 1)) for root in roots]

    def read(self, event: object) -> tuple[Any, ...]:
        """
        Return the value of each column; None if there is none or it cannot be converted.

        The attributes of `event` that are named in ROOTS are Raw or UNSET.
        """
        found: list[Any] = self._nothing.copy()
        for root, level in self._roots:
            value = getattr(event, root)
            if value is not UNSET:
                level.read(value, found)
        return tuple(found)


class _Level:
    """The keys that the columns need from one object; each object is decoded once, and only these keys."""

    def __init__(self, leaves: list[tuple[tuple[str, ...], int, Converter]], depth: int) -> None:
        """`leaves` hold a path, an index and a converter; the paths are the same up to `depth`."""
        keys = dict.fromkeys(path[depth] for path, _, _ in leaves)
        names = {key: f"f{number}" for number, key in enumerate(keys)}
        self._leaves = [
            (names[path[depth]], index, convert) for path, index, convert in leaves if len(path) == depth + 1
        ]
        deeper = {
            key: below
            for key in keys
            if (below := [leaf for leaf in leaves if leaf[0][depth] == key and len(leaf[0]) > depth + 1])
        }
        self._levels = [(names[key], _Level(below, depth + 1)) for key, below in deeper.items()]
        self._decode = _decoder(names, {})
        single = Counter(name for name, _, _ in self._leaves)
        self._fast_types = {
            name: _FAST_TYPES[convert]
            for name, _, convert in self._leaves
            if convert in _FAST_TYPES and single[name] == 1 and name not in dict(self._levels)
        }
        self._decode_fast = _decoder(names, self._fast_types)

    def read(self, value: Raw, found: list[Any]) -> None:
        """Put the values of the columns into `found`; nothing if `value` is not an object."""
        try:
            fields = self._decode_fast(value)
            ready: Collection[str] = self._fast_types
        except UNDECODABLE:
            try:
                fields, ready = self._decode(value), ()
            except UNDECODABLE:
                return
        for name, index, convert in self._leaves:
            leaf = getattr(fields, name)
            if name in ready:
                found[index] = leaf
            elif leaf is not UNSET:
                try:
                    found[index] = convert(leaf)
                except (*UNDECODABLE, ValueError, OverflowError):
                    pass  # the value stays complete in its object
        for name, level in self._levels:
            branch = getattr(fields, name)
            if branch is not UNSET:
                level.read(branch, found)


def _decoder(names: Mapping[str, str], types: Mapping[str, Any]) -> Callable[[Raw], Any]:
    """Return a decoder of an object's keys: with the given types, or None; without a type, as Raw."""
    fields = [
        (name, types[name] | None, None) if name in types else (name, Raw | UnsetType, UNSET)
        for name in names.values()
    ]
    rename = {name: key for key, name in names.items()}
    return msgspec.json.Decoder(msgspec.defstruct("Level", fields, rename=rename, gc=False)).decode


def _text(value: Raw) -> str | None:
    json = bytes(value)
    if json[0] == _QUOTE:
        return _decode_text(json)
    return None if json[0] in b"{[n" else json.decode()  # a number or a boolean, as written


def _scalar(value: Raw) -> int | float | None:
    """Return a number, even one in a text; None for anything else. Raises ValueError, OverflowError."""
    found = _decode_scalar(value)
    if isinstance(found, str) and len(found) <= _MAX_NUMBER_CHARACTERS:
        return int(found) if _INTEGER.fullmatch(found) else float(found) if _NUMBER.fullmatch(found) else None
    return None if isinstance(found, str | bool) else found


def _number(value: Raw) -> float | None:
    found = _scalar(value)
    number = None if found is None else float(found)
    return number if number is not None and math.isfinite(number) else None


def _integer(value: Raw) -> int | None:
    found = _scalar(value)
    if isinstance(found, float):
        found = int(found) if found.is_integer() else None
    return found if found is not None and -(2**63) <= found < 2**63 else None


def _instant(value: Raw) -> datetime | None:
    found = _decode_scalar(value)
    if found is None or isinstance(found, bool):
        return None
    return _EPOCH + timedelta(milliseconds=timestamps.read(found))


def _json(value: Raw) -> Raw | None:
    return None if value == _NULL else value


_CONVERTERS: dict[ColumnType, Converter] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": truth.read,
    "timestamp": _instant,
    "json": _json,
}

# The most common type is decoded directly, at a quarter of the cost. A value of another type is converted.
_FAST_TYPES: dict[Converter, Any] = {
    _text: str,
    _number: float,
    _integer: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
}
