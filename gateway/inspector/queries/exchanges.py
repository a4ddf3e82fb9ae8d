"""The last requests to HTTP sinks and their answers, and all those of dead letters."""

import time
from itertools import islice
from typing import Any

import msgspec

from gateway import masking
from gateway.diagnostics.exchanges import Exchange, Sent
from gateway.diagnostics.shapes import EXCHANGES
from gateway.diagnostics.store import fetch
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import Filter, Page, page_size
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

_MAX_ID = 2**63 - 1
_MAX_OF_EVENT = 20
_ROWS = 100  # at a time
_SEARCH_SECONDS = 1.0  # after which a page is partial

_read = msgspec.json.Decoder(Exchange).decode


class ExchangeRow(Sent, frozen=True, kw_only=True):
    """A request and its answer for people and programs, without what the configuration masks."""

    id: int
    sink: str
    at: str
    """ISO-8601 UTC."""
    dead: bool
    """True if an event of it became a dead letter."""


def exchanges(inspection: Inspection, sink: str, filter: Filter) -> Page[ExchangeRow]:
    """
    Return the last exchanges of a sink, the newest first.

    `code` matches the status; "dead" matches the exchanges of dead letters. Raises InvalidQuery and
    StateUnavailable.
    """
    limit, text = page_size(filter), filter.text.casefold()
    before = _read_cursor(filter.cursor) if filter.cursor else _MAX_ID
    tests, values = ["sink = ?"], [sink]
    if filter.code:
        tests.append("dead = 1" if filter.code == "dead" else "CAST(status AS TEXT) = ?")
        values += [] if filter.code == "dead" else [filter.code]
    times = (filter.first or 0, _MAX_ID if filter.end is None else filter.end)
    condition = " AND ".join([*tests, "at >= ?", "at < ?", "id < ?"])
    end = time.monotonic() + _SEARCH_SECONDS
    found: list[ExchangeRow] = []
    while True:
        rows = _fetch(inspection, f"{condition} ORDER BY id DESC LIMIT {_ROWS}", *values, *times, before)
        for row in rows:
            if len(found) == limit:
                return Page(found, str(before))
            before = row.id
            if not text or text in msgspec.json.encode(row).decode().casefold():
                found.append(row)
        if len(rows) < _ROWS:
            return Page(found)
        if time.monotonic() > end:
            return Page(found, str(before), partial=True)


def exchange(inspection: Inspection, id: int) -> ExchangeRow:
    """Return one exchange. Raises NotFound and StateUnavailable."""
    if 0 < id <= _MAX_ID:
        for row in _fetch(inspection, "id = ?", id):
            return row
    raise NotFound(f"there is no exchange {id}")


def of_event(inspection: Inspection, sink: str, partition: str, position: int) -> list[ExchangeRow]:
    """
    Return the exchanges by which an event was sent to a sink, the newest first, at most 20.

    Raises StateUnavailable.
    """
    condition = "sink = ? AND partition = ? AND last > ? AND first <= ? ORDER BY id DESC"
    rows = _select(inspection, condition, sink, partition, position, position)
    theirs = (row for row in rows if not (named := _read(row[-1]).positions) or position in named)
    hidden = masking.names(inspection.config().inspector.mask)
    return [_row(row, hidden) for row in islice(theirs, _MAX_OF_EVENT)]


def unkept(inspection: Inspection, sink: str) -> int:
    """
    Return how many exchanges were not kept since diagnostics began. Raises StateUnavailable.

    Each second has room for 100 successful exchanges, and for 500 others.
    """
    rows = fetch(
        inspection.home.diagnostics, EXCHANGES, "SELECT exchanges FROM unkept WHERE sink = ?", (sink,)
    )
    return int(rows[0][0]) if rows else 0


def _fetch(inspection: Inspection, condition: str, *values: Any) -> list[ExchangeRow]:
    hidden = masking.names(inspection.config().inspector.mask)
    return [_row(row, hidden) for row in _select(inspection, condition, *values)]


def _select(inspection: Inspection, condition: str, *values: Any) -> list[Any]:
    statement = f"SELECT id, sink, dead, found FROM exchanges WHERE {condition}"  # noqa: S608  # placeholders only
    return fetch(inspection.home.diagnostics, EXCHANGES, statement, values)


def _row(row: Any, hidden: frozenset[str]) -> ExchangeRow:
    id, sink, dead, found = row
    values = msgspec.structs.asdict(_read(found))
    for key in ("request_body", "answer_body", "url", "error"):
        values[key] = masking.show_text(values[key], hidden)
    for key in ("request_headers", "answer_headers"):
        values[key] = {
            name: masking.MASK if name.casefold() in hidden else text for name, text in values[key].items()
        }
    return ExchangeRow(id=id, sink=sink, dead=bool(dead), **{**values, "at": timestamps.write(values["at"])})


def _read_cursor(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidQuery(f"cursor: not one of this list: {text[:30]!r}")
    return int(text)
