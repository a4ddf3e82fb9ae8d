"""What a search looks for, and which events of a chunk match."""

import json
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from gateway import masking
from gateway.inspector.search import excerpts
from gateway.inspector.search.excerpts import Excerpt
from gateway.inspector.search.terms import REPAIRED, Kind, Term
from gateway.journal.chunk import Chunk
from gateway.raw import timestamps


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A filter on events; a field that is not given matches everything."""

    source: str = ""
    type: str = ""
    event: str = ""
    """The name of a track event, page or screen."""
    user: str = ""
    """Matches userId or anonymousId."""
    message_id: str = ""
    code: str = ""
    """The code of a warning."""
    repaired: bool | None = None
    """True: only events with a warning; False: only those without."""
    text: str = ""
    """Matches anywhere in the event except in hidden values; ASCII letters match in upper or lower case."""
    since: int | None = None
    """The earliest time of receipt, milliseconds since 1970."""
    until: int | None = None
    """The exclusive end of the time of receipt."""


_ANYTHING = Wanted()


class Hit(NamedTuple):
    """A matching event, and its number in its partition."""

    number: int
    excerpt: Excerpt


class Matcher:
    """Finds the events that match. Thread-safe."""

    def __init__(self, wanted: Wanted, hidden: Collection[str] = ()) -> None:
        """`hidden` are keys whose values are not searched for text, as masking.names writes them."""
        self._hidden = hidden
        self.wanted = wanted
        kinds: tuple[Kind, ...] = ("message_id", "user", "code", "event", "source", "type")
        self.terms: list[Term] = [(kind, getattr(wanted, kind)) for kind in kinds if getattr(wanted, kind)]
        """The terms by which the index finds the wanted events."""
        if wanted.repaired:
            self.terms.append(REPAIRED)
        self._spellings = _spellings(wanted.text)
        self._ids = [each.encode() for each in (wanted.message_id, wanted.user) if _is_plain(each)]
        self._since = "" if wanted.since is None else _instant(wanted.since)
        self._until = "" if wanted.until is None else _instant(wanted.until)

    def hits(self, chunk: Chunk, first: int, end: int) -> list[Hit]:
        """Return the matching events of a chunk with numbers from `first` up to, but not including, `end`."""
        data = bytes(chunk.data) if self._ids or self._spellings else b""
        if not all(each in data for each in self._ids):
            return []
        lines: list[bytes] = []
        if self._spellings:
            lower = data.lower()
            if not self._has_text(lower):
                return []
            lines = (data if self._hidden else lower).split(b"\n")
        return [
            Hit(number, excerpt)
            for number, excerpt in enumerate(excerpts.read(chunk), chunk.first)
            if first <= number < end
            and self._admits(excerpt)
            and (not lines or self._shows_text(lines[number - chunk.first]))
        ]

    def newest(self, chunk: Chunk, most: int) -> tuple[list[Hit], int]:
        """Return the last `most` matching events of a chunk, and the number of all that match."""
        if self.wanted == _ANYTHING:  # then the others need not be decoded
            last = chunk.since(chunk.end - most) if most else None
            return (self.hits(last, last.first, last.end) if last else []), chunk.count
        hits = self.hits(chunk, chunk.first, chunk.end)
        return hits[max(0, len(hits) - most) :], len(hits)

    def _admits(self, excerpt: Excerpt) -> bool:
        wanted = self.wanted
        return (
            wanted.message_id in ("", excerpt.message_id)
            and wanted.user in ("", excerpt.user_id, excerpt.anonymous_id)
            and wanted.event in ("", excerpt.title)
            and wanted.source in ("", excerpt.source.name)
            and wanted.type in ("", excerpt.type)
            and wanted.repaired in (None, bool(excerpt.warnings))
            and (not wanted.code or any(each.code == wanted.code for each in excerpt.warnings))
            and self._since <= excerpt.received_at
            and (not self._until or excerpt.received_at < self._until)
        )

    def _shows_text(self, line: bytes) -> bool:
        if self._hidden and self._has_text(line.lower()):
            line = masking.hide(line, self._hidden).lower()
        return self._has_text(line)

    def _has_text(self, line: bytes) -> bool:
        return any(each in line for each in self._spellings)


def _spellings(text: str) -> set[bytes]:
    """Return what a text may look like in JSON, in lower case: plain, or escaped in two ways."""
    if not text:
        return set()
    escaped = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return {each.encode(errors="surrogatepass").lower() for each in (text, *escaped)}


def _is_plain(text: str) -> bool:
    """Return True for a text that every encoder of JSON writes as it is."""
    return bool(text) and text.isascii() and text.isprintable() and not set(text) & set('"\\/<>&')


def _instant(milliseconds: int) -> str:
    """Return an instant in our format, which sorts by time; the first or last one if it is out of range."""
    try:
        return timestamps.write(milliseconds)
    except ValueError:
        return "" if milliseconds < 0 else "~"
