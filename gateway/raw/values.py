"""Single JSON values as clients write them: texts, labels (texts or numbers), and times."""

import re

import msgspec
from msgspec import Raw

# The three families of exceptions that msgspec 0.22 raises for bad input.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_QUOTE = ord('"')
_DIGITS = re.compile(rb"-?\d[\d.eE+-]*")
_write = msgspec.json.Encoder().encode
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_time = msgspec.json.Decoder(str | int | float | None).decode


def text(value: Raw) -> str | None:
    """Return a text; None for an empty one or null. Raises msgspec.ValidationError for anything else."""
    return _decode_text(value) or None


def label(value: Raw) -> str | None:
    """Like `text`, but also accept a number, which keeps its digits."""
    digits = bytes(value)
    return digits.decode() if _DIGITS.fullmatch(digits) else text(value)


def instant(value: Raw) -> str | int | float | None:
    """Return a time as the client wrote it, unparsed; for a value of another kind, its JSON."""
    try:
        found: str | int | float | None = _decode_time(value)
    except UNDECODABLE:
        return bytes(value).decode()
    return found


def is_text(value: Raw) -> bool:
    return _write(value)[0] == _QUOTE


def find_text(value: Raw | None) -> str | None:
    """Like `text`, but return None for anything else."""
    try:
        return None if value is None else text(value)
    except msgspec.ValidationError:
        return None


def find_label(value: Raw | None) -> str | None:
    """Like `label`, but return None for anything else."""
    try:
        return None if value is None else label(value)
    except msgspec.ValidationError:
        return None
