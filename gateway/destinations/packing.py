"""Pack items into requests: as many items in each as the vendor accepts, in order."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Raw

from gateway.destinations.calls import Call
from gateway.destinations.encoding import encode
from gateway.destinations.program import Item

_COMMA_BYTES = 1
_EMPTY_LAST = b"[]}"


class Request(msgspec.Struct, frozen=True, eq=False):
    """A request, ready to be sent."""

    call: Call
    body: bytes
    events: dict[tuple[str, int], int]
    """The event of each item, by the item's array ("" for the only one) and the index in it."""


class _Open:
    """A request to which items can be added."""

    __slots__ = ("_empty", "arrays", "call", "envelope", "events", "size", "unique")

    def __init__(self, call: Call, envelope: Any) -> None:
        self.call = call
        self.envelope = envelope
        self.arrays: dict[str, list[bytes]] = {}
        self.events: dict[tuple[str, int], int] = {}
        self.unique: set[str | int] = set()
        self._empty = self._with({"": []})
        self.size = len(self._empty)

    def takes(self, item: Item) -> bool:
        limits = self.call.limits
        return (
            self.call.items is not None
            and item.envelope == self.envelope
            and (item.unique is None or item.unique not in self.unique)
            and not (limits.items and len(self.events) >= limits.items)
            and not (limits.bytes and self.size + len(item.data) + _COMMA_BYTES > limits.bytes)
        )

    def add(self, index: int, item: Item) -> None:
        array = self.arrays.setdefault(item.into, [])
        self.events[item.into, len(array)] = index
        if item.unique is not None:
            self.unique.add(item.unique)
        array.append(item.data)
        self.size += len(item.data) + _COMMA_BYTES + (len(item.into) + 5 if len(array) == 1 else 0)

    def body(self) -> bytes:
        if len(self.arrays) == 1 and "" in self.arrays and self._is_last():
            return b"%b%b}" % (self._empty[: -len(_EMPTY_LAST)], _array(self.arrays[""]))
        return self._with(self.arrays)

    def _is_last(self) -> bool:
        """Return True if nothing follows the list of items in the body."""
        call = self.call
        if call.form or not call.items or len(call.items) > 1:
            return False
        return call.items[0] not in call.body and (not self.envelope or call.items[0] not in self.envelope)

    def _with(self, arrays: dict[str, list[bytes]]) -> bytes:
        if self.call.items is None:
            return b"".join(arrays.get("", []))
        if not self.call.items:
            return _array(arrays.get("", []))
        body = {**self.call.body, **(self.envelope or {})}
        for into, array in arrays.items():
            _place(body, tuple(into.split(".")) if into else self.call.items, Raw(_array(array)))
        return _form(body) if self.call.form else encode(body)

    def close(self) -> Request:
        return Request(self.call, self.body(), self.events)


def pack(items: Iterable[tuple[int, Item]]) -> list[Request]:
    """
    Return requests for items, given with the numbers of their events, in the order of their first items.

    The items of each call stay in order.
    """
    requests: list[_Open] = []
    open_by_call: dict[str, _Open] = {}
    for index, item in items:
        request = open_by_call.get(item.call.name)
        if request is None or not request.takes(item):
            request = open_by_call[item.call.name] = _Open(item.call, item.envelope)
            requests.append(request)
        request.add(index, item)
    return [request.close() for request in requests]


def _array(items: list[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)


def _form(body: dict[str, Any]) -> bytes:
    """Return the fields of a form; values other than texts are JSON in their fields."""
    fields = {name: value if isinstance(value, str) else encode(value) for name, value in body.items()}
    return urlencode(fields).encode()


def _place(body: dict[str, Any], steps: tuple[str, ...], value: Raw) -> None:
    """Put a value into an object, without changing the inner objects that it shares with others."""
    *before, last = steps
    for step in before:
        found = body.get(step)
        inner = dict(found) if isinstance(found, dict) else {}
        body[step] = inner
        body = inner
    body[last] = value
