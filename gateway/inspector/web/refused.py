"""The pages of refused events: by code, with what to change, and each event with its body."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.diagnostics.shapes import MAX_BODY_BYTES
from gateway.errors import codes
from gateway.hints import HINTS
from gateway.inspector.access import forms
from gateway.inspector.queries import refused
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web import filtering
from gateway.inspector.web.document import find_place, indented
from gateway.inspector.web.rendering import Pages
from gateway.services.validation import Item

Try = Callable[[refused.RefusedRow, str, str], Item]
"""Judges a body as the intake would now; takes the refusal, the body, and the source whose key it carries."""

_COUNTED = timedelta(hours=24)


def routes(pages: Pages, inspection: Inspection, try_again: Try) -> list[Route]:
    """Return the routes of the pages below /refused."""

    async def search(request: Request) -> Response:
        choice = filtering.read(request)
        since = (datetime.now(UTC) - _COUNTED).isoformat()
        return pages.render(
            request,
            "refused",
            choice=choice,
            counts=_by_code(await pages.ask(refused.counts, inspection, since)),
            page=await pages.ask(refused.refused, inspection, choice.filter),
            hints=HINTS,
            codes=codes(),
            sources=sorted(inspection.config().sources),
        )

    async def show(request: Request) -> Response:
        row = await pages.ask(refused.refusal, inspection, request.path_params["id"])
        body, source, verdict = row.body, row.source, None
        if request.method == "POST":
            fields = forms.parse(await request.body())
            # Browsers send line breaks in forms as CRLF.
            body = fields.get("body", [""])[0].replace("\r\n", "\n")
            source = fields.get("source", [""])[0]
            verdict = await pages.ask(try_again, row, body, source)
        marked, missing = find_place(row.code, row.details)
        return pages.render(
            request,
            "refusal",
            row=row,
            is_cut=row.body_bytes > MAX_BODY_BYTES,
            hint=HINTS.get(row.code, ""),
            marked=marked,
            missing=missing,
            body=indented(body),
            source=source,
            verdict=verdict,
            sources=sorted(inspection.config().sources),
        )

    return [
        Route("/refused", search),
        Route("/refused/{id}", show, methods=["GET", "POST"]),
    ]


def _by_code(counts: list[refused.RefusedCount]) -> list[tuple[str, int, int, str]]:
    """Return code, events, events not kept, and the last time, the most frequent code first."""
    found: dict[str, tuple[int, int, str]] = {}
    for each in counts:
        events, unkept, last = found.get(each.code, (0, 0, ""))
        found[each.code] = (events + each.events, unkept + each.unkept, max(last, each.last_at))
    return sorted(((code, *rest) for code, rest in found.items()), key=lambda row: -row[1])
