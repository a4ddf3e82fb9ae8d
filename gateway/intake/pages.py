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

from gateway.dialects.base import SUCCESS, Success, flat_refusal
from gateway.errors import Refusal, TryLater
from gateway.intake.body import Disconnected
from gateway.operation import Operation, Reply
from gateway.outcome import Answer, error

Probe = Callable[[], Awaitable[None]]
"""Return once something was written and synced recently, else raise TryLater."""


class Page(Route):
    """A path that carries no events, and what each of its methods does."""

    def __init__(
        self,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        operations: Mapping[str, Operation],
    ) -> None:
        super().__init__(path, answer, methods=list(operations))
        self.operations = operations


def pages(routes: Sequence[Page]) -> ASGIApp:
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


class Status(msgspec.Struct):
    status: str


_ALIVE = Operation(summary="Whether the process lives", replies={200: Reply("It does.", [Status])})
_READY = Operation(
    summary="Whether events can be stored",
    replies={200: Reply("They can.", [Status]), 503: Reply("`status` says why not.", [Status])},
)
_REPORT = Operation(
    summary="What SDKs report of themselves, mostly at /v1/m",
    replies={200: Reply("It is dropped.", [Success])},
)


def health(probe: Probe) -> list[Page]:
    async def alive(_: Request) -> Response:
        return _say(200, "ok")

    async def ready(_: Request) -> Response:
        try:
            await probe()
        except TryLater as trouble:
            return _say(503, str(trouble))
        return _say(200, "ready")

    async def client_metrics(_: Request) -> Response:
        """analytics-next, Kotlin and Swift count their own errors here, without a key."""
        return to_response(SUCCESS)

    return [
        Page("/healthz", alive, {"GET": _ALIVE}),
        Page("/readyz", ready, {"GET": _READY}),
        Page("/m", client_metrics, {"GET": _REPORT, "POST": _REPORT}),
    ]


def to_response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers, answer.content_type.decode())


def to_json(body: msgspec.Struct, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def _say(status: int, words: str) -> Response:
    return to_json(Status(words), status, {"cache-control": "no-store"})


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
