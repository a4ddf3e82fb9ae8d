"""All routes of the inspector's APIs, and the route of their description."""

from gateway.inspector.api import dead, events, replays, reports, sinks
from gateway.inspector.api.asking import Asking
from gateway.inspector.delivery_api import routes as delivery_api
from gateway.inspector.queries.inspection import Inspection
from gateway.services import openapi
from gateway.services.app import DescribedRoute

_INFO = {
    "title": "Event gateway: inspector",
    "version": "1",
    "description": (
        "What became of events, and orders for sinks. Lists are answered as `{items, next}`; `next` is the "
        "`cursor` of the next page, and `partial` says that a search ended early. Fields without a value are "
        "absent."
    ),
}


def routes(inspection: Inspection) -> list[DescribedRoute]:
    """Return the routes of the APIs, and the route of their description."""
    asking = Asking(inspection)
    found = [
        *events.routes(asking),
        *reports.routes(asking),
        *sinks.routes(asking),
        *dead.routes(asking),
        *replays.routes(asking),
        *delivery_api.routes(inspection),
    ]
    return [*found, openapi.describe({}, found, info=_INFO, tag="inspector", exact=True)]
