"""Refused events and requests: a list, the newest first; counts by code; and a single one with its body."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway import masking
from gateway.diagnostics.shapes import REFUSED
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import Filter, Page, moment, page_size, require
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

FILTERS = ("source", "message_id", "text", "verdict", "code", "since", "until", "limit", "cursor")
"""The filter fields that refused events can be searched by."""

_SEARCH_SECONDS = 1.0  # after which a page is partial
_ROWS = 200  # at a time
_COLUMNS = (
    "id, at, code, message, details, source, dialect, method, route, query, place, message_id, events,"
    " address, user_agent, headers, body, body_bytes"
)
_MAX_ID = 2**63 - 1

_read_headers = msgspec.json.Decoder(dict[str, str]).decode


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refused event, or a request refused as a whole. Every text is the client's and may be hostile."""

    id: str
    at: str
    """ISO-8601 UTC."""
    code: str
    message: str
    """What the code means."""
    details: str
    """What is wrong with this event; a field's path comes first, such as `$.userId: …`."""
    source: str
    """The source's name; "" if it is not known."""
    dialect: str
    method: str
    route: str
    query: str
    place: int | None
    """Its index in what was sent; None for a request that was refused as a whole."""
    message_id: str
    events: int
    """Number of events that were refused with it."""
    address: str
    """The sender's IP address without its last part."""
    user_agent: str
    headers: dict[str, str]
    """Without secrets."""
    body: str
    """The event's own bytes if it was one of a batch; at most 16 KB."""
    body_bytes: int
    """The size before it was cut."""


class RefusedCount(msgspec.Struct, frozen=True, kw_only=True):
    """The events refused with one code."""

    code: str
    source: str
    """ "" if it is not known."""
    events: int
    """All of them."""
    unkept: int
    """Events without a row, because there were too many at once."""
    last_at: str
    """ISO-8601 UTC."""


def refused(inspection: Inspection, filter: Filter) -> Page[RefusedRow]:
    """Return refused events, the newest first. Raises InvalidQuery and StateUnavailable."""
    require(filter, FILTERS)
    limit, text = page_size(filter), filter.text.casefold()
    before = _read_id(filter.cursor) if filter.cursor else _MAX_ID
    end = time.monotonic() + _SEARCH_SECONDS
    hidden = masking.names(inspection.config().inspector.mask)
    found: list[RefusedRow] = []
    if filter.verdict not in ("", "refused"):
        return Page([])
    condition, values = _condition(filter)
    statement = f"SELECT {_COLUMNS} FROM refused WHERE {condition} AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608  # columns and placeholders only
    while True:
        rows = fetch(inspection.home.diagnostics, REFUSED, statement, (*values, before, _ROWS))
        for row in rows:
            if len(found) == limit:
                return Page(found, str(before))
            before = row[0]
            shown = _row(row, hidden)
            if not text or text in msgspec.json.encode(shown).decode().casefold():
                found.append(shown)
        if len(rows) < _ROWS:
            return Page(found)
        if time.monotonic() > end:
            return Page(found, str(before), partial=True)


def refusal(inspection: Inspection, id: str) -> RefusedRow:
    """Return one refused event or request. Raises NotFound and StateUnavailable."""
    try:
        number = _read_id(id)
    except InvalidQuery:
        number = -1
    statement = f"SELECT {_COLUMNS} FROM refused WHERE id = ?"  # noqa: S608
    for row in fetch(inspection.home.diagnostics, REFUSED, statement, (number,)):
        return _row(row, masking.names(inspection.config().inspector.mask))
    raise NotFound(f"there is no refused event {id[:30]!r}; they are kept for 7 days, or 256 MB")


def counts(inspection: Inspection, since: str, until: str = "") -> list[RefusedCount]:
    """
    Return counts of the events refused between two times, to the minute, the most frequent first.

    The times are ISO-8601, or ages such as "24h". Raises InvalidQuery and StateUnavailable.
    """
    rows = fetch(
        inspection.home.diagnostics,
        REFUSED,
        "SELECT code, source, sum(events), sum(unkept), max(last_at) FROM counts"
        " WHERE minute >= ? AND minute < ? GROUP BY code, source ORDER BY sum(events) DESC, code, source",
        ((moment("since", since) or 0) // 60_000, -(-(moment("until", until) or _MAX_ID) // 60_000)),
    )
    return [
        RefusedCount(code=code, source=source, events=events, unkept=unkept, last_at=timestamps.write(last))
        for code, source, events, unkept, last in rows
    ]


def _condition(filter: Filter) -> tuple[str, list[object]]:
    tests = dict(_tests(filter))
    return " AND ".join(tests) or "1", [*tests.values()]


def _tests(filter: Filter) -> Iterator[tuple[str, object]]:
    for key in ("source", "code", "message_id"):
        if value := getattr(filter, key):
            yield f"{key} = ?", value
    if filter.first is not None:
        yield "at >= ?", filter.first
    if filter.end is not None:
        yield "at < ?", filter.end


def _row(row: Any, hidden: frozenset[str]) -> RefusedRow:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values |= {
        "id": str(values["id"]),
        "at": timestamps.write(values["at"]),
        "headers": {
            name: masking.MASK if name in hidden else text
            for name, text in _read_headers(values["headers"]).items()
        },
        "body": masking.show(values["body"], hidden).decode("utf-8", "replace"),
    }
    for key in ("query", "details"):
        values[key] = masking.hide_text(values[key], hidden)
    return RefusedRow(**values)


def _read_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidQuery(f"cursor: not one of this list: {text[:30]!r}")
    return int(text)
