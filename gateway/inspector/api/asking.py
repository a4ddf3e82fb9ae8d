"""Read questions and orders from requests, and carry them out in threads, a few at a time."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from gateway.inspector.queries.errors import InvalidQuery, Overloaded
from gateway.inspector.queries.filters import DEFAULT_LIMIT, Filter
from gateway.inspector.queries.inspection import Inspection

FILTERS = tuple(field.name for field in msgspec.structs.fields(Filter))

_MAX_QUERIES = 8
_MAX_WAITING = 64
_MAX_BODY_BYTES = 64 * 1024
_MAX_CHARACTERS = 1000

Answer = TypeVar("Answer")
Order = TypeVar("Order", bound=msgspec.Struct)


class Asking:
    """Runs queries on one inspection, from one event loop."""

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self._limiter: CapacityLimiter | None = None

    async def ask(self, query: Callable[[], Answer]) -> Answer:
        """Run a query in a thread and return its result. Raises what it raises, and Overloaded."""
        if self._limiter is None:  # it belongs to the running loop
            self._limiter = CapacityLimiter(_MAX_QUERIES)
        if self._limiter.statistics().tasks_waiting >= _MAX_WAITING:
            raise Overloaded("the inspector has too many questions to answer at once")
        return await to_thread.run_sync(query, limiter=self._limiter)


def read_parameters(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """
    Return the parameters of the query that are not empty.

    Raises InvalidQuery for an unknown parameter: it would be ignored, and the answer misread.
    """
    given = dict(request.query_params)
    for name, value in given.items():
        if name not in known:
            raise InvalidQuery(f"{name[:50]}: unknown; expected {', '.join(known) or 'none'}")
        if len(value) > _MAX_CHARACTERS:
            raise InvalidQuery(f"{name}: longer than {_MAX_CHARACTERS} characters")
    return {name: value for name, value in given.items() if value}


def read_filter(request: Request, *more: str) -> tuple[Filter, dict[str, str]]:
    """Return the filter of a list, and the other parameters that `more` names. Raises InvalidQuery."""
    given = read_parameters(request, (*FILTERS, *more))
    others = {name: given.pop(name, "") for name in more}
    limit = given.pop("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 10):
        raise InvalidQuery(f"limit: expected a number, got {limit[:20]!r}")
    fields: dict[str, Any] = {**given, "limit": int(limit)}
    return Filter(**fields), others


def read_id(request: Request) -> int:
    """Return the id in the path. Raises InvalidQuery."""
    text = request.path_params["id"]
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidQuery(f"id: expected a number, got {text[:20]!r}")
    return int(text)


async def read_order(request: Request, shape: type[Order]) -> Order:
    """Return the order in a request's JSON body; no body counts as an empty object. Raises InvalidQuery."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise InvalidQuery(f"the body is longer than {_MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(bytes(body) or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidQuery(f"the body: {error}") from error
