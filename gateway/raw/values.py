"""JSON values of one word: texts, names and times, as clients write them."""

import re

import msgspec
from msgspec import Raw

# What the three families of exceptions mean that msgspec 0.22 raises for bad input.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_QUOTE = ord('"')
_DIGITS = re.compile(rb"-?\d[\d.eE+-]*")
_write = msgspec.json.Encoder().encode
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_instant = msgspec.json.Decoder(str | int | float | None).decode


def text(value: Raw) -> str | None:
    """A text, None for one without letters or for null; msgspec.ValidationError for anything else."""
    return _decode_text(value) or None


def label(value: Raw) -> str | None:
    """As `text`; but a number is a text too, and keeps its digits."""
    digits = bytes(value)
    return digits.decode() if _DIGITS.fullmatch(digits) else text(value)


def instant(value: Raw) -> str | int | float | None:
    """Whatever a client takes for a time; what it means is for later to say."""
    try:
        found: str | int | float | None = _decode_instant(value)
    except UNDECODABLE:
        return bytes(value).decode()
    return found


def is_text(value: Raw) -> bool:
    return _write(value)[0] == _QUOTE


def find_text(value: Raw | None) -> str | None:
    """A text that says something, else None."""
    if value is None:
        return None
    try:
        return _decode_text(value) or None
    except msgspec.ValidationError:
        return None


def find_label(value: Raw | None) -> str | None:
    """The same, or a number's digits."""
    if value is None or is_text(value):
        return find_text(value)
    digits = bytes(value)
    return digits.decode() if _DIGITS.fullmatch(digits) else None
