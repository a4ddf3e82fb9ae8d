"""
What the intake answers besides events: is it alive, can it store, what does it take; and the APIs for
people and products, which have files of their own.
"""

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
    """A path that carries no events, and what each of its methods does."""

    def __init__(
        self,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        operations: Mapping[str, Operation],
    ) -> None:
        super().__init__(path, answer, methods=list(operations))
        self.operations = operations


def services_app(routes: Sequence[DescribedRoute]) -> ASGIApp:
    """All of them; what is not found, or refused, is told in the words that all SDKs can read."""
    return Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _not_found,
            Disconnected: _left,
            Refusal: _refused,
            Exception: _bug,
        },
    )


def to_response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, answer.content_type.decode())


def to_json(body: msgspec.Struct, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, "application/json")


async def _not_found(_: Request, exception: Exception) -> Response:
    assert isinstance(exception, HTTPException)
    response = to_response(error(exception.status_code))
    response.headers.update(exception.headers or {})
    return response


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return to_response(flat_refusal(refusal))


async def _left(_: Request, __: Exception) -> Response:
    return to_response(error(400))  # which nobody reads


async def _bug(_: Request, __: Exception) -> Response:
    return to_response(error(500))
