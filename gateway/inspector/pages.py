"""The application of the inspector: pages for people, the API, and /metrics, behind access control."""

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway.inspector.access.attempts import Attempts
from gateway.inspector.access.guard import Guard
from gateway.inspector.access.headers import SecurityHeaders
from gateway.inspector.access.sessions import Sessions
from gateway.inspector.ledger import Ledger
from gateway.inspector.processes import Processes
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.scrape import Scrape
from gateway.inspector.web import dead, events, files, ledger, login, overview, refused, sinks, sources
from gateway.inspector.web.answers import Answers
from gateway.inspector.web.rendering import Pages
from gateway.inspector.web.trial import trial


def inspector(
    books: Ledger, token: str, inspection: Inspection, api: Sequence[BaseRoute] = (), node: str = ""
) -> ASGIApp:
    """
    Return the ASGI application. If `token` is not empty, requests need it, or a session started with it.

    `node` is the name of this gateway if several share the journal.
    """
    sessions = Sessions(token)
    attempts = Attempts()
    pages = Pages(can_sign_out=sessions.required, node=node)
    answers = Answers(pages)
    routes = [
        Route("/metrics", _metrics(books)),
        Route("/static/{digest}/{name}", files.send),
        *login.routes(pages, sessions, attempts),
        *overview.routes(pages, inspection),
        *events.routes(pages, inspection),
        *refused.routes(pages, inspection, trial(inspection.config)),
        *sinks.routes(pages, inspection),
        *dead.routes(pages, inspection),
        *sources.routes(pages, inspection),
        *ledger.routes(pages, inspection),
        *api,
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, sessions=sessions, attempts=attempts, refuse=answers.refuse)],
        exception_handlers=answers.handlers,
    )
    return SecurityHeaders(app)  # also around the handlers of exceptions


def _metrics(books: Ledger) -> Callable[[Request], Awaitable[Response]]:
    live = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        live.register(ProcessMetrics(books))
    live.register(Processes())
    scrape = Scrape(live, books)

    async def metrics(_: Request) -> Response:
        return Response(await scrape.text(), media_type=CONTENT_TYPE_LATEST)

    return metrics


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
