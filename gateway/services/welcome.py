"""The page at `/` of the public port."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.front_page import FrontPage
from gateway.operation import Operation, Reply
from gateway.services.app import DescribedRoute

_PAGE = FrontPage(
    "This port accepts events, for example by POST at /v1/track. Every event needs a write key.",
    {
        "/openapi.json": "describes all routes (OpenAPI 3.1)",
        "/healthz": "answers while the process is alive",
        "/readyz": "says if events can be stored now",
    },
)
_OPERATION = Operation(
    summary="A page that says what this port is for",
    replies={200: Reply("Plain text, or HTML for clients that accept it.", content_type="text/*")},
)


def welcome() -> DescribedRoute:
    """Return the route of the page."""

    async def show(request: Request) -> Response:
        return _PAGE.response(request.headers.get("accept", ""))

    return DescribedRoute("/", show, {"GET": _OPERATION})
