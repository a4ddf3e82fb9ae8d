"""The page of the ledger: whether every event is accounted for, sink by sink."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.inspector.queries import ledger, sinks
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web.rendering import Pages


def routes(pages: Pages, inspection: Inspection) -> list[Route]:
    """Return the route of the ledger."""

    async def show(request: Request) -> Response:
        return pages.render(
            request,
            "ledger",
            ledger=await pages.ask(ledger.ledger, inspection),
            dry_runs=sinks.dry_runs(inspection),
        )

    return [Route("/ledger", show)]
