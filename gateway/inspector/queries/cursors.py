"""Cursors of lists that are ordered by id."""

from gateway.inspector.queries.errors import InvalidQuery

_MAX_DIGITS = 18


def read_id(cursor: str) -> int | None:
    """Return the id in a cursor; None for "". Raises InvalidQuery."""
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _MAX_DIGITS):
        raise InvalidQuery(f"cursor: expected the `next` of a page, got {cursor[:100]!r}")
    return int(cursor)
