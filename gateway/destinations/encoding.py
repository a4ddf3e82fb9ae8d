"""Decode and encode JSON, including what msgspec does not accept: huge numbers and lone surrogates."""

import json
import math
from typing import Any

import msgspec

from gateway.destinations.grammar import Refused

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_UNDECODABLE = (ValueError, RecursionError)  # msgspec.DecodeError and UnicodeDecodeError are ValueErrors
_UNENCODABLE = (ValueError, OverflowError, TypeError)
_MAX_INT = 2**63


def decode(line: bytes) -> dict[str, Any]:
    """Return an event. Raises Refused if Python cannot represent its content."""
    try:
        found: dict[str, Any] = _decode(line)
    except _UNDECODABLE:
        try:
            found = json.loads(line)
        except _UNDECODABLE as error:
            raise Refused("unreadable", f"the event cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise Refused("unreadable", "the event has no type")
    return found


def encode(value: Any) -> bytes:
    """
    Return JSON in UTF-8.

    A lone surrogate becomes U+FFFD, since UTF-8 has none; a number of more than 64 bits becomes a text; an
    infinite number is left out, since JSON has none.
    """
    try:
        return _encode(value)
    except _UNENCODABLE:
        return _encode(_clean(value))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, int) and not -_MAX_INT <= value < _MAX_INT:
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
