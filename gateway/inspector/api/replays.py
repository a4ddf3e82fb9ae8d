"""`/api/replays`: sending parts of the journal to a sink again."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.inspector.api.asking import Asking, read_filter, read_id, read_order, read_parameters
from gateway.inspector.api.describing import describe_order, describe_question, in_path
from gateway.inspector.api.encoding import to_json
from gateway.inspector.queries import replays
from gateway.inspector.queries.filters import Page
from gateway.inspector.queries.replays import Counted, Replay, ReplayOrder
from gateway.operation import Operation, Reply, examples
from gateway.services.app import DescribedRoute


def routes(asking: Asking) -> list[DescribedRoute]:
    """Return the routes."""
    inspection = asking.inspection

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            order = await read_order(request, ReplayOrder)
            return to_json(await asking.ask(lambda: replays.start(inspection, order)))
        filter, _ = read_filter(request)
        return to_json(await asking.ask(lambda: replays.replays(inspection, filter)))

    async def answer_one(request: Request) -> Response:
        read_parameters(request, ())
        id = read_id(request)
        query = replays.cancel if request.method == "DELETE" else replays.replay
        return to_json(await asking.ask(lambda: query(inspection, id)))

    return [
        DescribedRoute("/api/replays", answer, {"GET": _SHOW_ALL, "POST": _START}),
        DescribedRoute("/api/replays/{id}", answer_one, {"GET": _SHOW, "DELETE": _CANCEL}),
    ]


_SHOW_ALL = describe_question("Replays, the newest first", Page[Replay], filters=replays.FILTERS)
_ID = in_path("id", "Its id.")
_SHOW = describe_question("One replay", Replay, _ID)
_ORDER = describe_order(
    "Send a part of the journal to a sink again",
    Replay,
    ReplayOrder,
    description="A dry run counts the events, for 10 s at most; so does an order for which there are none.",
    examples=examples(
        order={"sink": "warehouse", "since": "2h"}, count={"sink": "warehouse", "dry_run": True}
    ),
)
_START = Operation(
    summary=_ORDER.summary,
    description=_ORDER.description,
    shapes=_ORDER.shapes,
    examples=_ORDER.examples,
    security=_ORDER.security,
    anonymous=True,
    replies={**_ORDER.replies, 200: Reply("The replay, or the number of events.", [Replay, Counted])},
)
_CANCEL = describe_order(
    "End a replay",
    Replay,
    None,
    _ID,
    description="What it has sent stays sent; one that has ended stays as it is.",
)
