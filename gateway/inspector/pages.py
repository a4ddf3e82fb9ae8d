"""The routes of the inspector: a page for people at `/`, and /metrics."""

import hmac
import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.front_page import FrontPage
from gateway.inspector.ledger import Ledger
from gateway.inspector.processes import Processes
from gateway.inspector.scrape import Scrape

_PAGE = FrontPage(
    "This port is for the operators of the gateway. Events are accepted on another port.",
    {"/metrics": "counts all events and what became of them, for Prometheus"},
)


def inspector(ledger: Ledger, token: str) -> ASGIApp:
    """Return the ASGI application. If `token` is not empty, every request must carry it."""
    live = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        live.register(ProcessMetrics(ledger))
    live.register(Processes())
    scrape = Scrape(live, ledger)

    async def front_page(request: Request) -> Response:
        return _PAGE.response(request.headers.get("accept", ""))

    async def metrics(_: Request) -> Response:
        return Response(await scrape.text(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/", front_page), Route("/metrics", metrics)]
    return Starlette(routes=routes, middleware=[Middleware(TokenAuth, token=token)])


class ProcessMetrics(Collector):
    """The metrics of all processes, without those of sinks that are no longer configured."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._all = MultiProcessCollector(None)  # type: ignore[no-untyped-call]  # the library has no annotations here

    def collect(self) -> Iterator[Metric]:
        # The library cannot remove a label from a process's file.
        for metric in self._all.collect():  # type: ignore[no-untyped-call]  # as above
            metric.samples = [
                sample
                for sample in metric.samples
                if sample.labels.get("sink", "") in ("", *self._ledger.sinks)
            ]
            yield metric


class TokenAuth:
    """Answers 401 to requests without the bearer token. Compares in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if self.expected and not hmac.compare_digest(given, self.expected):
            refusal = PlainTextResponse(
                "The inspector requires Authorization: Bearer with the token of [inspector].\n",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
            return await refusal(scope, receive, send)
        await self.app(scope, receive, send)
