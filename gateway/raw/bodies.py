"""Whole bodies: JSON that a decoder can read, or that is repaired until one can."""

import re
from collections.abc import Sequence
from itertools import accumulate

import msgspec
from msgspec import Raw

from gateway.errors import InvalidField, UnreadableBody
from gateway.raw import objects
from gateway.raw.repair import Repair, repair

MAX_LEVELS = 512
"""Levels of nesting in one event, including its own object; SQLite and others read up to 1,000."""

_list = msgspec.json.Decoder(list[Raw]).decode

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_OTHERS = bytes(set(range(256)) - set(_STEPS))


def entries(array: bytes | Raw) -> list[Raw]:
    """Return a list's entries, even if PHP wrote it with holes. Raises msgspec.ValidationError."""
    _, found = numbered_entries(array)
    return found


def numbered_entries(array: bytes | Raw) -> tuple[Sequence[str | int], list[Raw]]:
    """Like `entries`, with the step with which the path to each begins."""
    try:
        found = _list(array)
    except msgspec.ValidationError:
        try:
            fields = objects.read(array)
        except UnicodeDecodeError as error:
            raise msgspec.ValidationError("a field's name is not UTF-8") from error
        if fields and not has_holes(fields):
            raise
        return list(fields), list(fields.values())
    return range(len(found)), found


def has_holes(fields: dict[str, Raw]) -> bool:
    """Return whether the fields are the entries of a list from which PHP removed some: {"0": …, "2": …}."""
    return bool(fields) and all(name.isascii() and name.isdecimal() for name in fields)


def readable(body: bytes) -> tuple[bytes, list[Repair]]:
    """Return a body as compact JSON, repaired where necessary. Raises UnreadableBody."""
    try:
        return msgspec.json.format(body, indent=-1), []
    except (msgspec.DecodeError, RecursionError):
        body, repairs = repair(body)
    try:
        return msgspec.json.format(body, indent=-1), repairs
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableBody(str(error)) from error


def check_text(body: bytes | Raw) -> None:
    """Raise UnicodeDecodeError unless all is UTF-8: parts that a decoder left undecoded may not be."""
    text = bytes(body)
    if not text.isascii():
        text.decode()


def may_nest_too_deep(text: bytes | Raw, levels: int = MAX_LEVELS) -> bool:
    """Return False if a text certainly does not nest deeper than `levels` levels."""
    if len(text) <= 2 * levels:
        return False
    brackets = bytes(text)
    return brackets.count(b"{") + brackets.count(b"[") > levels


def check_depth(event: bytes) -> None:
    """
    Raise InvalidField for a JSON event that nests deeper than MAX_LEVELS.

    How deep a decoder can go depends on the Python version, and readers of the event have other limits.
    """
    if may_nest_too_deep(event):
        brackets = _STRING.sub(b"", event).translate(None, _OTHERS)
        if max(accumulate(map(_STEPS.__getitem__, brackets))) > MAX_LEVELS:
            raise InvalidField(f"nested too deep; {MAX_LEVELS} levels are the limit")


def repairs_by_path(repairs: Sequence[Repair], depth: int) -> dict[tuple[str | int, ...], list[Repair]]:
    """Group repairs by the first `depth` steps of their paths."""
    made: dict[tuple[str | int, ...], list[Repair]] = {}
    for one in repairs:
        made.setdefault(one.path[:depth], []).append(one)
    return made
