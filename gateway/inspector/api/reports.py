"""`/api/refused`, `/api/sources`, `/api/ledger`, `/api/health`: what is wrong, and who sent what."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.hints import HINTS
from gateway.inspector.api.asking import Asking, read_filter, read_parameters
from gateway.inspector.api.describing import describe_question, in_path
from gateway.inspector.api.encoding import to_json
from gateway.inspector.queries import health, ledger, refused, sources
from gateway.inspector.queries.filters import Page
from gateway.inspector.queries.health import Health
from gateway.inspector.queries.ledger import Ledger
from gateway.inspector.queries.refused import RefusedRow
from gateway.inspector.queries.sources import Sent, SourceRow
from gateway.services.app import DescribedRoute


class Sender(msgspec.Struct, frozen=True):
    """Who sent something."""

    address: str
    """The IP address without its last part."""
    user_agent: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refused event, or a request that was refused as a whole."""

    id: str
    at: str
    source: str | None
    method: str
    route: str
    dialect: str
    code: str
    message: str
    details: str | None
    hint: str | None
    """What the sender should change."""
    place: int | None
    """The event's index in its batch."""
    message_id: str | None
    events: int
    sender: Sender
    headers: dict[str, str]
    body: str
    """At most 16 KB."""
    body_bytes: int
    """The size before it was cut."""


class SourceDetail(msgspec.Struct, frozen=True):
    """A source, and what it has sent."""

    source: SourceRow
    sent: list[Sent]


def routes(asking: Asking) -> list[DescribedRoute]:
    """Return the routes."""
    inspection = asking.inspection

    async def show_refused(request: Request) -> Response:
        filter, _ = read_filter(request)
        page = await asking.ask(lambda: refused.refused(inspection, filter))
        return to_json(Page([*map(_refusal, page.items)], page.next, page.partial))

    async def show_refusal(request: Request) -> Response:
        read_parameters(request, ())
        id = request.path_params["id"]
        return to_json(_refusal(await asking.ask(lambda: refused.refusal(inspection, id))))

    async def show_sources(request: Request) -> Response:
        read_parameters(request, ())
        return to_json(Page(await asking.ask(lambda: sources.sources(inspection))))

    async def show_source(request: Request) -> Response:
        read_parameters(request, ())
        name = request.path_params["name"]
        return to_json(SourceDetail(*await asking.ask(lambda: sources.source(inspection, name))))

    async def show_ledger(request: Request) -> Response:
        read_parameters(request, ())
        return to_json(await asking.ask(lambda: ledger.ledger(inspection)))

    async def show_health(request: Request) -> Response:
        read_parameters(request, ())
        found = await asking.ask(lambda: health.health(inspection))
        return to_json(found)

    return [
        DescribedRoute("/api/refused", show_refused, {"GET": _REFUSED}),
        DescribedRoute("/api/refused/{id}", show_refusal, {"GET": _REFUSAL}),
        DescribedRoute("/api/sources", show_sources, {"GET": _SOURCES}),
        DescribedRoute("/api/sources/{name}", show_source, {"GET": _SOURCE}),
        DescribedRoute("/api/ledger", show_ledger, {"GET": _LEDGER}),
        DescribedRoute("/api/health", show_health, {"GET": _HEALTH}),
    ]


def _refusal(row: RefusedRow) -> Refusal:
    return Refusal(
        id=row.id,
        at=row.at,
        source=row.source or None,
        method=row.method,
        route=row.route,
        dialect=row.dialect,
        code=row.code,
        message=row.message,
        details=row.details or None,
        hint=HINTS.get(row.code),
        place=row.place,
        message_id=row.message_id or None,
        events=row.events,
        sender=Sender(row.address, row.user_agent),
        headers=row.headers,
        body=row.body,
        body_bytes=row.body_bytes,
    )


_REFUSED = describe_question("Refused events, the newest first", Page[Refusal], filters=refused.FILTERS)
_REFUSAL = describe_question("One refused event", Refusal, in_path("id", "Its id."))
_SOURCES = describe_question("Sources, and what each has sent", Page[SourceRow])
_SOURCE = describe_question(
    "One source, with the events that it has sent by name", SourceDetail, in_path("name", "Its name.")
)
_LEDGER = describe_question("What became of every event at every sink", Ledger)
_HEALTH = describe_question("Whether all is well, and else what is not", Health)
