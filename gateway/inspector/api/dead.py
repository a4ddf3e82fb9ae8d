"""`/api/dead`: dead letters, to look at, to retry and to drop."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.inspector.api.asking import Asking, read_filter, read_id, read_order, read_parameters
from gateway.inspector.api.describing import describe_order, describe_question, in_path
from gateway.inspector.api.encoding import to_json
from gateway.inspector.queries import dead
from gateway.inspector.queries.dead import DeadChoice, DeadLetter, Dropped, Retried
from gateway.inspector.queries.filters import Page
from gateway.operation import examples
from gateway.services.app import DescribedRoute


def routes(asking: Asking) -> list[DescribedRoute]:
    """Return the routes."""
    inspection = asking.inspection

    async def show_all(request: Request) -> Response:
        filter, others = read_filter(request, "sink")
        return to_json(await asking.ask(lambda: dead.dead(inspection, filter, others["sink"])))

    async def show(request: Request) -> Response:
        read_parameters(request, ())
        id = read_id(request)
        return to_json(await asking.ask(lambda: dead.letter(inspection, id)))

    async def retry(request: Request) -> Response:
        choice = await read_order(request, DeadChoice)
        return to_json(await asking.ask(lambda: dead.retry(inspection, choice)))

    async def drop(request: Request) -> Response:
        choice = await read_order(request, DeadChoice)
        return to_json(await asking.ask(lambda: dead.drop(inspection, choice)))

    return [
        DescribedRoute("/api/dead", show_all, {"GET": _SHOW_ALL}),
        DescribedRoute("/api/dead/retry", retry, {"POST": _RETRY}),
        DescribedRoute("/api/dead/drop", drop, {"POST": _DROP}),
        DescribedRoute("/api/dead/{id}", show, {"GET": _SHOW}),
    ]


_EXAMPLES = examples(
    code={"sink": "warehouse", "code": "refused"},
    some={"ids": [17, 18]},
    count={"since": "2h", "dry_run": True},
)
_CHOICE = "What is given must all match, and something must be given."
_SHOW_ALL = describe_question(
    "Dead letters, the oldest first", Page[DeadLetter], filters=dead.FILTERS, sink="Of this sink."
)
_SHOW = describe_question(
    "One dead letter, with its event and the words of the target", DeadLetter, in_path("id", "Its id.")
)
_RETRY = describe_order(
    "Send dead letters to their sinks again",
    Retried,
    DeadChoice,
    description=f"{_CHOICE} It is done while the gateway is running.",
    examples=_EXAMPLES,
)
_DROP = describe_order(
    "Delete dead letters; they then count as skipped",
    Dropped,
    DeadChoice,
    description=_CHOICE,
    examples=_EXAMPLES,
)
