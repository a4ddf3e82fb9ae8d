"""`/api/sinks`: the status of sinks, and orders for them."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.inspector.api.asking import Asking, read_order, read_parameters
from gateway.inspector.api.describing import describe_order, describe_question, in_path
from gateway.inspector.api.encoding import to_json
from gateway.inspector.queries import sinks
from gateway.inspector.queries.filters import Page
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.sinks import Ordered, Skipped, Tested
from gateway.operation import Operation, examples
from gateway.services.app import DescribedRoute
from gateway.state.report import SinkReport


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an order without parameters."""


class Skip(msgspec.Struct, forbid_unknown_fields=True):
    """Where a sink is to continue."""

    to: str = "now"
    """`now`, a position such as `0/12345`, a time, or an age."""
    dry_run: bool = False


def routes(asking: Asking) -> list[DescribedRoute]:
    """Return the routes."""
    inspection = asking.inspection

    async def show_all(request: Request) -> Response:
        read_parameters(request, ())
        return to_json(Page(await asking.ask(lambda: sinks.sinks(inspection))))

    async def show(request: Request) -> Response:
        read_parameters(request, ())
        name = request.path_params["name"]
        return to_json(await asking.ask(lambda: sinks.sink(inspection, name)))

    async def skip(request: Request) -> Response:
        name, order = request.path_params["name"], await read_order(request, Skip)
        return to_json(
            await asking.ask(lambda: sinks.skip(inspection, name, order.to, dry_run=order.dry_run))
        )

    def route(
        verb: str, order: Callable[[Inspection, str], msgspec.Struct], operation: Operation
    ) -> DescribedRoute:
        async def carry_out(request: Request) -> Response:
            await read_order(request, Nothing)
            name = request.path_params["name"]
            return to_json(await asking.ask(lambda: order(inspection, name)))

        return DescribedRoute(f"/api/sinks/{{name}}/{verb}", carry_out, {"POST": operation})

    return [
        DescribedRoute("/api/sinks", show_all, {"GET": _SHOW_ALL}),
        DescribedRoute("/api/sinks/{name}", show, {"GET": _SHOW}),
        route("pause", sinks.pause, _PAUSE),
        route("resume", sinks.resume, _RESUME),
        DescribedRoute("/api/sinks/{name}/skip", skip, {"POST": _SKIP}),
        route("test", sinks.test, _TEST),
    ]


_SHOW_ALL = describe_question("How each sink fares", Page[SinkReport])
_NAME = in_path("name", "The name of the sink.")
_SHOW = describe_question("How one sink fares", SinkReport, _NAME)
_PAUSE = describe_order(
    "Pause delivery to a sink", Ordered, None, _NAME, description="Persists across restarts."
)
_RESUME = describe_order(
    "Resume delivery to a sink", Ordered, None, _NAME, description="It is tried at once."
)
_SKIP = describe_order(
    "Skip pending events of a sink: they are never delivered to it",
    Skipped,
    Skip,
    _NAME,
    description="Waits up to 10 s; if `done` is false, delivery will do it later.",
    examples=examples(now={"to": "now"}, count={"to": "2h", "dry_run": True}),
)
_TEST = describe_order(
    "Connect to a sink as delivery does, and send nothing", Tested, None, _NAME, description="Within 10 s."
)
