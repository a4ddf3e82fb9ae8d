"""The pages of sources: what each has sent, and how to point clients to it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.inspector.queries import sources
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web import snippets
from gateway.inspector.web.rendering import Pages


def routes(pages: Pages, inspection: Inspection) -> list[Route]:
    """Return the routes of the pages below /sources."""

    async def all_sources(request: Request) -> Response:
        return pages.render(request, "sources", sources=await pages.ask(sources.sources, inspection))

    async def show(request: Request) -> Response:
        name = request.path_params["name"]
        row, sent = await pages.ask(sources.source, inspection, name)
        config = inspection.config()
        configured = config.sources.get(name)
        # Requested by a form, so that no link, and no page left open, shows a key.
        with_key = request.method == "POST"
        return pages.render(
            request,
            "source",
            row=row,
            sent=sent,
            keys=configured.write_keys if configured and with_key else (),
            has_keys=bool(configured and configured.write_keys),
            snippets=snippets.of_source(config, configured, with_key=with_key) if configured else [],
        )

    return [
        Route("/sources", all_sources),
        Route("/sources/{name}", show, methods=["GET", "POST"]),
    ]
