"""Render the templates, and run the blocking queries in threads, a few at a time."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

import jinja2
from anyio import CapacityLimiter, to_thread
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.errors import GatewayError
from gateway.inspector.access.guard import FIELD, Visitor
from gateway.inspector.web import charts, document, files, formats

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_MAX_QUERIES = 8
_MAX_WAITING = 64

SECTIONS = (
    ("/", "Overview"),
    ("/events", "Events"),
    ("/refused", "Refused"),
    ("/sinks", "Sinks"),
    ("/dead", "Dead letters"),
    ("/sources", "Sources"),
    ("/ledger", "Ledger"),
)


_environment = jinja2.Environment(
    autoescape=True,
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(formats.FILTERS, json=document.show, visible=document.visible)
_environment.globals.update(
    bars=charts.bars, file=files.address, sections=SECTIONS, version=version("event-gateway")
)


class Busy(GatewayError):
    """More queries are waiting than the inspector can answer soon."""


class Pages:
    """What all pages need: templates, and a limit on concurrent queries. For one event loop."""

    def __init__(self, *, can_sign_out: bool, node: str) -> None:
        """`node` is the name of this gateway if several share the journal, else empty."""
        self._can_sign_out = can_sign_out
        self._node = node
        self._limiter: CapacityLimiter | None = None

    async def ask(
        self, query: Callable[Arguments, Answer], *given: Arguments.args, **named: Arguments.kwargs
    ) -> Answer:
        """Run a query in a thread and return its result. Raises what it raises, and Busy."""
        if self._limiter is None:  # it belongs to the running loop
            self._limiter = CapacityLimiter(_MAX_QUERIES)
        if self._limiter.statistics().tasks_waiting >= _MAX_WAITING:
            raise Busy("The inspector has too many questions to answer at once.")
        return await to_thread.run_sync(lambda: query(*given, **named), limiter=self._limiter)

    def render(
        self,
        request: Request,
        name: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> Response:
        """Return a page made from the template `name`."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        path = request.url.path
        html = _environment.get_template(f"{name}.html").render(
            here=next(
                (start for start, _ in SECTIONS[1:] if path == start or path.startswith(f"{start}/")), path
            ),
            path=path,
            node=self._node,
            csrf=partial(_form_field, visitor.form_token if visitor else ""),
            status=status,
            can_sign_out=self._can_sign_out and bool(visitor and visitor.cookie),
            **values,
        )
        return HTMLResponse(html, status, headers)


def _form_field(form_token: str) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, form_token)
