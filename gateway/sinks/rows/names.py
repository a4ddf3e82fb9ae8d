"""Names of tables and columns as Segment derives them from the names of events and properties."""

import hashlib
import re

from gateway.sinks.rows.promoted import MAX_NAME_CHARACTERS

# A capital starts a word after small letters and any digits that follow them; a run of capitals is one word
# with what follows. The rules are those of github.com/segmentio/go-snakecase, according to its tests.
_WORD_START = re.compile(r"(?<=[a-z])(\d*)(?=[A-Z])", re.ASCII)
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_DIGEST_CHARACTERS = 8


def snake(text: str) -> str:
    """Return a name in snake case; only ASCII letters and digits count, so it may be empty."""
    return _SEPARATORS.sub("_", _WORD_START.sub(r"\1_", text)).strip("_").lower()


def identifier(text: str) -> str:
    """Return the name in snake case, unique and not empty even if it is cut to 63 characters."""
    name = snake(text)
    if name and len(name) <= MAX_NAME_CHARACTERS:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: MAX_NAME_CHARACTERS - _DIGEST_CHARACTERS - 1] or 'unnamed'}_{digest}"
