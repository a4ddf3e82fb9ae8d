"""Read the filter of a list from the address of its page, and turn filters into addresses."""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.filters import DEFAULT_LIMIT, Filter

FIELDS = ("source", "type", "event", "user", "message_id", "text", "verdict", "code", "since", "until")
_MAX_DIGITS = 16
_MAX_CHARACTERS = 1000


class Choice(msgspec.Struct, frozen=True):
    """A filter as the page shows it. Links preserve it."""

    path: str
    filter: Filter
    given: dict[str, str]
    """The fields that are not empty."""

    def address(self, **changes: str) -> str:
        """Return the address of the page with some filter fields changed, starting at the first row."""
        return address(self.path, {**self.given, **changes})

    def after(self, cursor: str) -> str:
        """Return the address of the next page of the list."""
        limit = "" if self.filter.limit == DEFAULT_LIMIT else str(self.filter.limit)
        return address(self.path, {**self.given, "limit": limit, "cursor": cursor})


def read_id(request: Request) -> int:
    """Return the id in the path. Raises InvalidQuery."""
    text = request.path_params["id"]
    if not (text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS):
        raise InvalidQuery(f"id: expected a number, got {text[:20]!r}")
    return int(text)


def read(request: Request, *more: str) -> Choice:
    """Return the filter in a request; `more` names other parameters to keep. Raises InvalidQuery."""
    query = request.query_params
    given = {
        key: query[key].strip()[:_MAX_CHARACTERS] for key in (*FIELDS, *more) if query.get(key, "").strip()
    }
    try:
        filter = Filter(
            **{key: value for key, value in given.items() if key in FIELDS},
            limit=int(query.get("limit") or DEFAULT_LIMIT),
            cursor=query.get("cursor", ""),
        )
    except ValueError as error:
        raise InvalidQuery(f"limit: expected a number, got {query['limit'][:20]!r}") from error
    return Choice(request.url.path, filter, given)


def address(path: str, fields: Mapping[str, str]) -> str:
    """Return a path with a query of the fields that are not empty."""
    query = urlencode({key: value for key, value in fields.items() if value})
    return f"{path}?{query}" if query else path
