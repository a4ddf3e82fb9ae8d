"""Liveness and readiness for load balancers, and the route to which SDKs report their own metrics."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.dialects.shared.answers import SUCCESS, Success
from gateway.errors import TryLater
from gateway.operation import Operation, Reply
from gateway.services.app import DescribedRoute, to_json, to_response

Probe = Callable[[], Awaitable[None]]
"""Return if a write was synced recently, or can be now. Raises TryLater."""


class Readiness:
    """Readiness of a process: that of its journal, until load balancers should send it no more requests."""

    def __init__(self, journal: Probe) -> None:
        self._journal = journal
        self._draining = False

    def drain(self) -> None:
        """Be unready from now on."""
        self._draining = True

    async def probe(self) -> None:
        """Return if the process is ready. Raises TryLater."""
        if self._draining:
            raise TryLater("the gateway is about to stop")
        await self._journal()


class Status(msgspec.Struct):
    status: str


_LIVENESS = Operation(summary="Liveness", replies={200: Reply("The process is alive.", [Status])})
_READINESS = Operation(
    summary="Readiness",
    replies={
        200: Reply("Events can be stored.", [Status]),
        503: Reply("Events cannot be stored now, or soon; `status` says why.", [Status]),
    },
)
_REPORT = Operation(
    summary="Metrics that SDKs report of themselves, mostly at /v1/m",
    replies={200: Reply("The report is dropped.", [Success])},
)


def health(probe: Probe) -> list[DescribedRoute]:
    """Return the routes; `probe` decides whether the process is ready."""

    async def alive(_: Request) -> Response:
        return _status(200, "ok")

    async def ready(_: Request) -> Response:
        try:
            await probe()
        except TryLater as error:
            return _status(503, str(error))
        return _status(200, "ready")

    async def client_metrics(_: Request) -> Response:
        """Accept reports, without a key, of analytics-next, Kotlin and Swift about their own errors."""
        return to_response(SUCCESS)

    return [
        DescribedRoute("/healthz", alive, {"GET": _LIVENESS}),
        DescribedRoute("/readyz", ready, {"GET": _READINESS}),
        DescribedRoute("/m", client_metrics, {"GET": _REPORT, "POST": _REPORT}),
    ]


def _status(status: int, text: str) -> Response:
    return to_json(Status(text), status, {"cache-control": "no-store"})
