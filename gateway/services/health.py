"""Whether the process lives and can store events; and the route on which SDKs report on themselves."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.dialects.shared.answers import SUCCESS, Success
from gateway.errors import TryLater
from gateway.operation import Operation, Reply
from gateway.services.app import DescribedRoute, to_json, to_response

Probe = Callable[[], Awaitable[None]]
"""Return once something was written and synced recently, else raise TryLater."""


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


def health(probe: Probe) -> list[DescribedRoute]:
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
        DescribedRoute("/healthz", alive, {"GET": _ALIVE}),
        DescribedRoute("/readyz", ready, {"GET": _READY}),
        DescribedRoute("/m", client_metrics, {"GET": _REPORT, "POST": _REPORT}),
    ]


def _say(status: int, words: str) -> Response:
    return to_json(Status(words), status, {"cache-control": "no-store"})
