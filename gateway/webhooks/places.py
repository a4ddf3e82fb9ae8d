"""
Where in a webhook something stands, as an operator says it.

`$.customer.id` (or `$['customer']['id']`) is looked up in the body and `@.id` in one entry of it;
`header:X-Topic` is a header's value; any other text is meant as it stands. A list of places stands for the
first at which there is something; a table, for an object made of what its places have.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from msgspec import Raw

from gateway.raw import objects

_STEPS = r"(?:\.[^.\[\]]+|\[\d{1,6}\]|\['[^']*'\])*"
_PATH = re.compile(rf"[$@]{_STEPS}")
_ENTRIES = re.compile(rf"(\${_STEPS})\[\*\]")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_HEADER = re.compile(r"header:([\w-]+)")
_NOTHING = (Raw(b"null"), Raw(b'""'))

_list = msgspec.json.Decoder(list[Raw]).decode


class Value:
    """A JSON value, of which a level is decoded once, when somebody first looks into it."""

    __slots__ = ("_below", "raw")

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self._below: dict[str | int, Value] | None = None

    @property
    def below(self) -> "dict[str | int, Value]":
        """The values in it by name, or by index; none if it is neither object nor list."""
        if self._below is None:
            entries = self.entries()
            found = enumerate(entries) if entries is not None else (objects.fields(self.raw) or {}).items()
            self._below = {step: Value(raw) for step, raw in found}
        return self._below

    def entries(self) -> list[Raw] | None:
        """The entries of a list; None if it is none."""
        return _list(self.raw) if objects.write(self.raw)[:1] == b"[" else None

    def at(self, steps: tuple[str | int, ...]) -> "Value | None":
        value: Value | None = self
        for step in steps:
            value = value.below.get(step) if value else None
        return value


class Scope(NamedTuple):
    """What one event is made of."""

    headers: Mapping[bytes, bytes]
    body: Value
    entry: Value
    """The entry of the body that it is about; the body itself if there is one event in it."""


class Place:
    """Somewhere to look; as a text, what the operator wrote."""

    def find(self, scope: Scope) -> Raw | None:
        """What stands there; None for nothing, null or an empty text."""
        raise NotImplementedError

    @staticmethod
    def parse(given: object) -> "Place":
        """Understand a text, a list or a table; else ValueError."""
        if isinstance(given, str) and given:
            return _parse_text(given)
        if isinstance(given, list) and given:
            return First(tuple(Place.parse(each) for each in given))
        if isinstance(given, dict):
            return Parts({name: Place.parse(each) for name, each in given.items()})
        raise ValueError(f'expected a path such as "$.customer.id", a list or a table of such, got {given!r}')


@dataclass(frozen=True)
class Path(Place):
    text: str
    steps: tuple[str | int, ...]

    def find(self, scope: Scope) -> Raw | None:
        found = (scope.body if self.text[0] == "$" else scope.entry).at(self.steps)
        return None if found is None or found.raw in _NOTHING else found.raw

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Header(Place):
    name: str

    def find(self, scope: Scope) -> Raw | None:
        value = scope.headers.get(self.name.lower().encode())
        return Raw(objects.write(value.decode("latin-1"))) if value else None

    def __str__(self) -> str:
        return f"header:{self.name}"


@dataclass(frozen=True)
class Constant(Place):
    text: str

    def find(self, scope: Scope) -> Raw | None:
        return Raw(objects.write(self.text))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class First(Place):
    places: tuple[Place, ...]

    def find(self, scope: Scope) -> Raw | None:
        return next((found for place in self.places if (found := place.find(scope)) is not None), None)

    def __str__(self) -> str:
        return ", ".join(map(str, self.places))


@dataclass(frozen=True)
class Parts(Place):
    places: dict[str, Place]

    def find(self, scope: Scope) -> Raw | None:
        found = {name: place.find(scope) for name, place in self.places.items()}
        return Raw(objects.write({name: value for name, value in found.items() if value is not None}))

    def __str__(self) -> str:
        return ", ".join(map(str, self.places.values()))


class Entries(str):
    """Where the list is that has an entry for each event, written `$.items[*]`; kept as `$.items`."""

    __slots__ = ()

    @classmethod
    def parse(cls, given: object) -> "Entries":
        found = _ENTRIES.fullmatch(given) if isinstance(given, str) else None
        if not found:
            raise ValueError(f'expected a path to a list, such as "$.items[*]", got {given!r}')
        return cls(found[1])

    @property
    def steps(self) -> tuple[str | int, ...]:
        return _steps(self)


def _parse_text(text: str) -> Place:
    if header := _HEADER.fullmatch(text):
        return Header(header[1])
    if _PATH.fullmatch(text):
        return Path(text, _steps(text))
    if text.startswith(("$", "@", "header:")):
        raise ValueError(f'expected a path such as "$.items[0].id", or "header:X-Topic", got {text!r}')
    return Constant(text)


def _steps(text: str) -> tuple[str | int, ...]:
    return tuple(int(index) if index else name or quoted for name, index, quoted in _STEP.findall(text))
