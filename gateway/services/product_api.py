"""
The Product API of Commanders Act: merge products, one per line, into the catalogue of a site.

https://doc.commandersact.com/features/sources/sources-catalog/import-conversions/api-conversions-and-product-catalog
"""

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec
from anyio import to_thread
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from gateway.dialects.shared.answers import retry_headers
from gateway.dialects.shared.describing import RETRY
from gateway.errors import Refusal, TryLater
from gateway.intake import body
from gateway.operation import Operation, Reply, examples, header
from gateway.records import products
from gateway.records.base import Table
from gateway.services.app import Denied, DescribedRoute, to_json
from gateway.sources import Sources

PATH = "/v2/{site}/products/bulk"
_MAX_BODY_BYTES = 8 * 1024 * 1024
_MAX_CALLS = 30
"""The most calls of one token at once, and per second, according to the documentation."""


def routes(sources: Sources, catalogue: Table, budget: body.Budget) -> list[DescribedRoute]:
    """Return the route of the API; `budget` bounds the bytes of all requests in flight."""
    return [DescribedRoute(PATH, _ProductApi(sources, catalogue, budget).answer, {"POST": OPERATION})]


class Error(msgspec.Struct, kw_only=True):
    """One kind of error; `meta` has the numbers of the lines that have it."""

    code: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    """Holds the code MISSING_AUTHORIZATION_HEADER, as in the documentation; clients may rely on it."""
    detail: str
    meta: dict[str, Any] | UnsetType = UNSET


class Counts(msgspec.Struct):
    accepted_object_count: int
    rejected_object_count: int


class Result(msgspec.Struct):
    data: Counts | UnsetType = UNSET
    errors: list[Error] | UnsetType = UNSET


def deny(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Denied:
    """Return the error with a status and a code that answers a call."""
    titled = code == "MISSING_AUTHORIZATION_HEADER"
    error = Error(title=code, detail=detail) if titled else Error(code=code, detail=detail)
    return Denied(to_json(Result(errors=[error]), status, headers))


class _ProductApi:
    def __init__(self, sources: Sources, catalogue: Table, budget: body.Budget) -> None:
        self.sources = sources
        self.catalogue = catalogue
        self.budget = budget
        # Only for valid tokens, so that clients cannot make it grow.
        self.calls: dict[str, Calls] = {}

    async def answer(self, request: Request) -> Response:
        """Answer a call. Raises Denied."""
        try:
            site, token = request.path_params["site"], self._authorize(request)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/x-ndjson":
                raise deny(415, "UNSUPPORTED_HEADER", "Content-Type must be application/x-ndjson")
            calls = self.calls.setdefault(token, Calls())
            calls.begin(time.monotonic())
            try:
                return await self._merge(request, site)
            finally:
                calls.running -= 1
        except TryLater as error:
            headers = {name.decode(): value.decode() for name, value in retry_headers(error)}
            raise deny(503, "SERVER_ERROR", error.message, headers) from error
        except Refusal as refusal:
            raise deny(refusal.status, refusal.code.upper(), str(refusal)) from refusal

    def _authorize(self, request: Request) -> str:
        """Return the token of a call if it may change the catalogue of the site. Raises Denied."""
        given = request.headers.get("authorization", "")
        kind, _, token = given.partition(" ")
        if not given:
            raise deny(401, "MISSING_AUTHORIZATION_HEADER", "Authorization: Bearer and a token is required")
        if kind.lower() != "bearer":
            raise deny(401, "UNKNOWN_TOKEN_TYPE", "The type of the token must be Bearer")
        if not token.strip():
            raise deny(401, "INVALID_TOKEN_TYPE", "There is no token after Bearer")
        source = self.sources.authorize(token.strip())
        if source is None:
            raise deny(401, "UNKNOWN_TOKEN", "The token is not known")
        if source.site_id != request.path_params["site"]:
            raise deny(403, "SITE_ACCESS_FORBIDDEN", "The token is not for this site")
        return token.strip()

    async def _merge(self, request: Request, site: str) -> Response:
        """Merge the valid lines durably before answering, and report the others."""
        sent = await body.read(request.scope, request.receive, _MAX_BODY_BYTES, self.budget)
        good, faults = await to_thread.run_sync(lambda: products.check(sent.split(b"\n")))
        if good:
            await to_thread.run_sync(self.catalogue.merge, site, good)
        rejected = len({fault.line for fault in faults})
        result = Result(Counts(len(good), rejected))
        if faults:
            result.errors = [Error(**error) for error in products.errors(faults)]
        return to_json(result, 400 if faults else 202)


class Calls:
    """The calls of one token: how many are running, and when the latest began."""

    def __init__(self) -> None:
        self.running = 0
        self.begun: deque[float] = deque(maxlen=_MAX_CALLS)

    def begin(self, now: float) -> None:
        """Count one more call, at `now` in seconds. Raises Denied; else the caller decrements `running`."""
        wait = {"retry-after": "1"}
        if self.running >= _MAX_CALLS:
            raise deny(429, "CONNECTION_LIMIT_REACHED", f"More than {_MAX_CALLS} calls at once", wait)
        if len(self.begun) == _MAX_CALLS and now - self.begun[0] < 1:
            raise deny(429, "REQUEST_LIMIT_REACHED", f"More than {_MAX_CALLS} calls a second", wait)
        self.begun.append(now)
        self.running += 1


_PRODUCT = {"type": "string", "description": "Products as JSON objects, one a line, each with its `id`."}
_WAIT = {"Retry-After": header("Seconds to wait before the next call.", "integer", always=True)}

OPERATION = Operation(
    summary="Merge products into the catalogue of a site",
    description="Valid lines are stored, whatever is wrong with others.",
    parameters=[{"name": "site", "in": "path", "required": True, "schema": {"type": "string"}}],
    security={"bearer": {"type": "http", "scheme": "bearer"}},
    shapes=[_PRODUCT],
    examples=examples(products='{"id":"p1","name":"Shirt","price":9.5}\n{"id":"p2","brand":"Example"}\n'),
    content_type="application/x-ndjson",
    replies={
        202: Reply("All products are stored.", [Result]),
        400: Reply("Some lines are invalid, or the body cannot be read.", [Result]),
        401: Reply("The token is missing or unknown.", [Result]),
        403: Reply("The token is for another site.", [Result]),
        413: Reply("The body is too large.", [Result]),
        415: Reply("Content-Type is not application/x-ndjson.", [Result]),
        429: Reply("Too many calls with this token at once, or within a second.", [Result], _WAIT),
        503: Reply("The catalogue is unavailable.", [Result], RETRY),
    },
)
