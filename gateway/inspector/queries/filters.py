"""The filter shared by all lists of the inspector, and the pages that they return."""

import re
import time
from collections.abc import Collection
from typing import Generic, TypeVar

import msgspec

from gateway.config.units import Duration
from gateway.inspector.queries.errors import InvalidQuery
from gateway.journal.base import Log
from gateway.raw import timestamps

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Item = TypeVar("Item")

_PLACE = re.compile(r"(\d{1,9})/(\d{1,18})", re.ASCII)
_VALUES = {"user": ("userId", "anonymousId"), "event": ("event",)}
"""For each field of a filter, the event keys whose values it is compared with."""
_MAX_POSITIONS = 1000


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is to return; "" matches everything. Not every list knows every field."""

    source: str = ""
    type: str = ""
    event: str = ""
    user: str = ""
    """Matches userId or anonymousId."""
    message_id: str = ""
    text: str = ""
    """Anywhere in the JSON of the item, in upper or lower case."""
    verdict: str = ""
    """`accepted` (needed no repair), `repaired` (has a warning) or `refused`."""
    code: str = ""
    """The code of a warning, a refusal or a dead letter."""
    since: str = ""
    """The earliest time: ISO-8601, or an age such as "2h"."""
    until: str = ""
    """The exclusive end: ISO-8601, or an age."""
    limit: int = DEFAULT_LIMIT
    """At most MAX_LIMIT."""
    cursor: str = ""
    """The `next` of the previous page."""

    @property
    def first(self) -> int | None:
        """`since` in milliseconds since 1970. Raises InvalidQuery."""
        return moment("since", self.since)

    @property
    def end(self) -> int | None:
        """`until` in milliseconds since 1970. Raises InvalidQuery."""
        return moment("until", self.until)


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list."""

    items: list[Item]
    next: str | None = None
    """The cursor of the next page; None if this is the last."""
    partial: bool = False
    """True if the search took too long to fill the page: there may be more, after `next`."""


def require(filter: Filter, known: Collection[str]) -> None:
    """Raise InvalidQuery for a field that a list does not know: ignoring it would mislead."""
    for field in msgspec.structs.fields(Filter):
        if field.name not in known and getattr(filter, field.name) != field.default:
            raise InvalidQuery(f"{field.name}: unknown here; expected {', '.join(known)}")


def require_shown(given: object, hidden: Collection[str]) -> None:
    """Raise InvalidQuery for a filter by the value of a `hidden` key, which could be guessed this way."""
    for name, keys in _VALUES.items():
        for key in keys:
            if getattr(given, name) and key.casefold() in hidden:
                raise InvalidQuery(f"{name}: [inspector] mask hides {key}")


def page_size(filter: Filter) -> int:
    """Return the size of a page. Raises InvalidQuery."""
    if not 1 <= filter.limit <= MAX_LIMIT:
        raise InvalidQuery(f"limit: expected 1 to {MAX_LIMIT}, got {filter.limit}")
    return filter.limit


def moment(key: str, text: str) -> int | None:
    """Return a time, or an age back to 1970 at most, in milliseconds; None for "". Raises InvalidQuery."""
    if not text:
        return None
    try:
        return max(0, time.time_ns() // 1_000_000 - int(Duration.parse(text) * 1000))
    except ValueError:
        pass
    try:
        return timestamps.read(text)
    except ValueError:
        raise InvalidQuery(
            f'{key}: expected a time such as "2026-11-26T09:00:00Z", or an age such as "2h", got {text!r}'
        ) from None


def read_positions(key: str, text: str) -> dict[str, int]:
    """Return the positions by partition from a text such as `0/12,1/7`. Raises InvalidQuery."""
    found = [_PLACE.fullmatch(part) for part in text.split(",", _MAX_POSITIONS)]
    positions = {match[1]: int(match[2]) for match in found if match}
    if len(positions) != len(found):
        raise InvalidQuery(f'{key}: expected positions such as "0/12,1/7", got {text[:100]!r}')
    return positions


def write_positions(positions: dict[str, int]) -> str:
    """Return positions as one text, such as `0/12,1/7`."""
    return ",".join(f"{partition}/{number}" for partition, number in sorted(positions.items()))


def newest(journal: Log) -> dict[str, int]:
    """Return the end of each partition. Raises OSError."""
    found = {}
    for partition in journal.partitions():
        reader = journal.reader(partition)
        try:
            found[partition] = reader.newest()
        finally:
            reader.close()
    return found
