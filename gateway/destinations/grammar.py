"""
The words of the grammar, and what all parts of the compiler share.

A mapping is compiled once, for the settings of one sink, into functions of the event and, inside a list, of
the entry. A value that is missing, null or empty (a text, a list, an object) is absent, which is None.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.destinations.lines import Path

Report = Callable[[Path, str], None]
"""Reports a mistake at a place of the mapping."""

REQUIRED = "!"
"""Ends a key whose value is required: without it, the event is refused."""
LITERAL = "="
"""Begins a key that is not a word of the grammar, though it looks like one."""
MERGED = "*"
"""Begins a key whose object is merged into the one around it."""

MAX_LEVELS = 100
"""Steps from the top of a mapping to a value."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Refused(Exception):
    """An event that the vendor would not accept; `code` names the rule that it breaks."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def present(value: Any) -> Any:
    """Return a value, or None for one that counts as absent."""
    return value if value or value == 0 else None


def fill(text: str, settings: Mapping[str, str]) -> str:
    """Return a text with settings in place of `{name}`. Raises ValueError for an unknown name."""

    def replace(found: re.Match[str]) -> str:
        if found[1] not in settings:
            raise ValueError(f"there is no setting {found[1]!r}")
        return settings[found[1]]

    return _PLACEHOLDER.sub(replace, text)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word closest to a wrong one, or an empty text."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def spelled(key: str) -> str:
    """Return the vendor's key that a key of the mapping stands for."""
    return key.removesuffix(REQUIRED).removeprefix(LITERAL)
