"""Names of topics and subjects that depend on the event: "events.{source}.{type}"."""

import re
from collections.abc import Callable, Iterator

from gateway.sinks.brokers.excerpt import Excerpt

_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = ("source", "type")


class Names:
    """Makes the name for an event. Immutable except for its cache."""

    def __init__(self, pattern: str, escape: Callable[[str], str]) -> None:
        """`pattern` has no mistakes; `escape` makes a source's name a valid part of the target's names."""
        self._pattern = pattern
        self._escape = escape
        self._known: dict[tuple[str, str], str] = {}
        """Names by source and type, of which a configuration has few."""

    def name(self, excerpt: Excerpt) -> str:
        """Return the name for an event."""
        key = excerpt.source.name, excerpt.type
        if key not in self._known:
            source, type = map(self._escape, key)
            self._known[key] = self._pattern.replace("{source}", source).replace("{type}", type)
        return self._known[key]


def is_fixed(pattern: str) -> bool:
    """Return whether a pattern is one name for all events."""
    return not _FIELD.search(pattern)


def with_all(pattern: str, text: str) -> str:
    """Return a pattern with a text in place of each field."""
    return _FIELD.sub(text, pattern)


def mistakes(pattern: str, allowed: re.Pattern[str]) -> Iterator[str]:
    """Yield the text of each mistake in a pattern whose names consist of `allowed` characters."""
    unknown = [field for field in _FIELD.findall(pattern) if field not in _FIELDS]
    if unknown:
        yield f"{{{unknown[0]}}} is unknown; expected {{source}} or {{type}}"
    elif not allowed.fullmatch(with_all(pattern, "x")):
        yield f"expected a name that matches {allowed.pattern}, in which {{source}} and {{type}} may stand"
