"""The first page: whether all is well, in one sentence and then in numbers."""

from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.front_page import FrontPage
from gateway.inspector.queries import health, overview, sinks
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web import charts, snippets
from gateway.inspector.web.answers import wants_page
from gateway.inspector.web.rendering import Pages

_FOR_PROGRAMS = FrontPage(
    "This port is for the operators of the gateway. Events are accepted on another port.",
    {
        "/metrics": "counts all events and what became of them, for Prometheus",
        "/openapi.json": "describes the API; a browser shows pages at this address",
    },
)


def routes(pages: Pages, inspection: Inspection) -> list[Route]:
    """Return the route of the overview; programs get plain text."""

    async def show(request: Request) -> Response:
        if not wants_page(request):
            return _FOR_PROGRAMS.response("")
        found = await pages.ask(overview.overview, inspection)
        verdict = await pages.ask(health.health, inspection)
        config = inspection.config()
        return pages.render(
            request,
            "overview",
            now=found,
            health=verdict,
            chart=_by_hour(found),
            dry_runs=sinks.dry_runs(inspection),
            # No event yet: the page says how to send one.
            snippets=[] if found.last_event else snippets.first(config),
            is_built_in=config.built_in,
        )

    return [Route("/", show)]


def _by_hour(found: overview.Overview) -> charts.Chart:
    end = datetime.fromisoformat(found.at)
    hours = len(found.accepted_by_hour)
    starts = [end - timedelta(hours=hours - place) for place in range(hours)]
    return charts.Chart(
        "Accepted events by hour",
        [start.isoformat(timespec="minutes") for start in starts],
        end.isoformat(timespec="minutes"),
        [charts.Series("accepted", "good", found.accepted_by_hour)],
    )
