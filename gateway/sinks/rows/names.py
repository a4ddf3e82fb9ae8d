"""Names of tables and columns as Segment makes them of the names of events and properties."""

import hashlib
import re

from gateway.sinks.rows.promoted import MAX_NAME_CHARACTERS

# A capital starts a word where small letters, and the digits that follow them, end; runs of capitals are one
# word with what follows. The rules are those of github.com/segmentio/go-snakecase, by its tests.
_WORD_START = re.compile(r"(?<=[a-z])(\d*)(?=[A-Z])", re.ASCII)
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_DIGEST_CHARACTERS = 8


def snake(text: str) -> str:
    """Return a name in snake case; only letters and digits of ASCII count, so that it may be empty."""
    return _SEPARATORS.sub("_", _WORD_START.sub(r"\1_", text)).strip("_").lower()


def identifier(text: str) -> str:
    """Return the name in snake case, unique and not empty even if it is cut to 63 characters."""
    name = snake(text)
    if name and len(name) <= MAX_NAME_CHARACTERS:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: MAX_NAME_CHARACTERS - _DIGEST_CHARACTERS - 1] or 'unnamed'}_{digest}"
