"""
Places in a webhook, as an operator writes them.

`$.customer.id` (or `$['customer']['id']`) is a path in the body, and `@.id` a path in one of its entries;
`header:X-Topic` is a header; any other text stands for itself. A list of places stands for the first one that
has a value; a table, for an object with the values of its places.
"""

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from gateway.raw import objects

_STEPS = r"(?:\.[^.\[\]]+|\[\d{1,6}\]|\['[^']*'\])*"
_PATH = re.compile(rf"[$@]{_STEPS}")
_ENTRIES = re.compile(rf"(\${_STEPS})\[\*\]")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_HEADER = re.compile(r"header:([\w-]+)")

_NO_VALUE = (Raw(b"null"), Raw(b'""'))
_EMPTY = (Raw(b"[]"), Raw(b"{}"), Raw(b"false"))
"""Values that untyped languages write for a missing value: used only if no other place has a better one."""

_list = msgspec.json.Decoder(list[Raw]).decode


class Value:
    """A JSON value, each level of which is decoded once, when it is first looked into."""

    __slots__ = ("_below", "raw")

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self._below: dict[str | int, Value] | None = None

    @property
    def below(self) -> "dict[str | int, Value]":
        """The values in an object by name, or in a list by index; empty for any other value."""
        if self._below is None:
            entries = self.entries()
            found = enumerate(entries) if entries is not None else (objects.fields(self.raw) or {}).items()
            self._below = {step: Value(raw) for step, raw in found}
        return self._below

    def entries(self) -> list[Raw] | None:
        """Return the entries of a list; None for any other value."""
        return _list(self.raw) if objects.write(self.raw)[:1] == b"[" else None

    def at(self, steps: tuple[str | int, ...]) -> "Value | None":
        """Return the value at the end of these steps; None if there is none."""
        value: Value | None = self
        for step in steps:
            value = value.below.get(step) if value else None
        return value


class Scope(msgspec.Struct, frozen=True):
    """Everything that one event is made from."""

    headers: Mapping[bytes, bytes]
    body: Value
    entry: Value
    """The entry of the body that becomes the event; the whole body if it becomes one event."""


class Place:
    """A place that may have a value; its str is the paths and headers that the operator wrote."""

    __slots__ = ()

    def find(self, scope: Scope) -> Raw | None:
        """Return the value; None if it is missing, null or an empty text."""
        raise NotImplementedError

    @staticmethod
    def parse(given: object) -> "Place":
        """Read a text, a list or a table. Raises ValueError for anything else."""
        if isinstance(given, str) and given:
            return _parse_text(given)
        if isinstance(given, list) and given:
            return First(tuple(Place.parse(each) for each in given))
        if isinstance(given, dict):
            return Parts({name: Place.parse(each) for name, each in given.items()})
        raise ValueError(f'expected a path such as "$.customer.id", a list or a table of such, got {given!r}')


class JsonPath(msgspec.Struct, Place, frozen=True):
    text: str
    steps: tuple[str | int, ...]

    def find(self, scope: Scope) -> Raw | None:
        found = (scope.body if self.text[0] == "$" else scope.entry).at(self.steps)
        return None if found is None or found.raw in _NO_VALUE else found.raw

    def __str__(self) -> str:
        return self.text


class Header(msgspec.Struct, Place, frozen=True):
    name: str

    def find(self, scope: Scope) -> Raw | None:
        value = scope.headers.get(self.name.lower().encode())
        return Raw(objects.write(value.decode("latin-1"))) if value else None

    def __str__(self) -> str:
        return f"header:{self.name}"


class Constant(msgspec.Struct, Place, frozen=True):
    text: str

    def find(self, scope: Scope) -> Raw | None:
        return Raw(objects.write(self.text))

    def __str__(self) -> str:
        return self.text


class First(msgspec.Struct, Place, frozen=True):
    places: tuple[Place, ...]

    def find(self, scope: Scope) -> Raw | None:
        """Return the first value that is not empty, or else the first empty one."""
        fallback: Raw | None = None
        for place in self.places:
            found = place.find(scope)
            if found is not None and found not in _EMPTY:
                return found
            fallback = found if fallback is None else fallback
        return fallback

    def __str__(self) -> str:
        return ", ".join(map(str, self.places))


class Parts(msgspec.Struct, Place, frozen=True):
    places: dict[str, Place]

    def find(self, scope: Scope) -> Raw | None:
        found = {name: place.find(scope) for name, place in self.places.items()}
        return Raw(objects.write({name: value for name, value in found.items() if value is not None}))

    def __str__(self) -> str:
        return ", ".join(map(str, self.places.values()))


class Entries(str):
    """The path to a list with an entry for each event, written `$.items[*]` and kept as `$.items`."""

    __slots__ = ()

    @classmethod
    def parse(cls, given: object) -> "Entries":
        """Read a text. Raises ValueError for anything else."""
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
        return JsonPath(text, _steps(text))
    if text.startswith(("$", "@", "header:")):
        raise ValueError(f'expected a path such as "$.items[0].id", or "header:X-Topic", got {text!r}')
    return Constant(text)


def _steps(text: str) -> tuple[str | int, ...]:
    return tuple(int(index) if index else name or quoted for name, index, quoted in _STEP.findall(text))
