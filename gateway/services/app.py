"""The application for everything on the public port that is not an event; each service has its own file."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.dialects.shared.answers import flat_refusal
from gateway.errors import Refusal
from gateway.intake.body import Disconnected
from gateway.operation import Operation
from gateway.outcome import Answer, error


class DescribedRoute(Route):
    """A path that carries no events, with a description of each of its methods."""

    def __init__(
        self,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        operations: Mapping[str, Operation],
    ) -> None:
        super().__init__(path, answer, methods=list(operations))
        self.operations = operations


class Denied(Exception):
    """A call that an API rejects; `response` says why, in the form of that API."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def services_app(routes: Sequence[DescribedRoute]) -> ASGIApp:
    """Return the application of these routes. Its errors have a body that all SDKs can read."""
    return Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _http_error,
            Disconnected: _disconnected,
            Denied: _denied,
            Refusal: _refused,
            Exception: _internal_error,
        },
    )


def to_response(answer: Answer) -> Response:
    """Return an answer of the intake as a Starlette response."""
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, answer.content_type.decode())


def to_json(body: msgspec.Struct, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    return Response(msgspec.json.encode(body), status, headers, "application/json")


async def _http_error(_: Request, exception: Exception) -> Response:
    assert isinstance(exception, HTTPException)
    response = to_response(error(exception.status_code))
    response.headers.update(exception.headers or {})
    return response


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return to_response(flat_refusal(refusal))


async def _denied(_: Request, denied: Exception) -> Response:
    assert isinstance(denied, Denied)
    return denied.response


async def _disconnected(_: Request, __: Exception) -> Response:
    return to_response(error(400))  # the client is gone, but Starlette needs a response


async def _internal_error(_: Request, __: Exception) -> Response:
    return to_response(error(500))
