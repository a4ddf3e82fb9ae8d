"""The pages of dead letters: select, inspect, retry and drop them, many at once."""

import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.inspector.access import forms
from gateway.inspector.queries import dead
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web import filtering
from gateway.inspector.web.rendering import Pages
from gateway.raw import timestamps

_CHOSEN_BY = ("sink", "code", "event", "type", "source", "user", "message_id", "since", "until")


def routes(pages: Pages, inspection: Inspection) -> list[Route]:
    """Return the routes of the pages below /dead."""

    async def search(request: Request) -> Response:
        choice = filtering.read(request, "sink")
        sink = choice.given.get("sink", "")
        return pages.render(
            request,
            "dead",
            choice=choice,
            sink=sink,
            counts=await pages.ask(dead.counts, inspection),
            shown=_shown(choice),
            page=await pages.ask(dead.dead, inspection, choice.filter, sink),
            sinks=list(inspection.config().sinks),
            done=request.query_params.get("done", ""),
            letters=_number(request.query_params.get("letters", "")),
        )

    async def show(request: Request) -> Response:
        letter = await pages.ask(dead.letter, inspection, filtering.read_id(request))
        return pages.render(request, "letter", letter=letter, canonical=bytes(letter.canonical))

    async def retry(request: Request) -> Response:
        retried = await pages.ask(dead.retry, inspection, _choose(await _fields(request)))
        return _back("retry", retried.letters)

    async def drop(request: Request) -> Response:
        fields = await _fields(request)
        if "sure" in fields:
            dropped = await pages.ask(dead.drop, inspection, _choose(fields))
            return _back("drop", dropped.letters)
        counted = await pages.ask(dead.drop, inspection, _choose(fields, dry_run=True))
        kept = [
            (key, value)
            for key, values in fields.items()
            if key in ("id", "all", *_CHOSEN_BY)
            for value in values
        ]
        return pages.render(request, "drop", letters=counted.letters, kept=kept)

    return [
        Route("/dead", search),
        Route("/dead/{id}", show),
        Route("/dead/retry", retry, methods=["POST"]),
        Route("/dead/drop", drop, methods=["POST"]),
    ]


def _shown(choice: filtering.Choice) -> dict[str, str]:
    """Return the filter of the letters on a page; its times stay fixed until the form is sent."""
    now = time.time_ns() // 1_000_000 + 1
    times = {"since": choice.filter.first, "until": now if choice.filter.end is None else choice.filter.end}
    return choice.given | {key: timestamps.write(at) for key, at in times.items() if at is not None}


async def _fields(request: Request) -> Mapping[str, list[str]]:
    return forms.parse(await request.body())


def _choose(fields: Mapping[str, list[str]], *, dry_run: bool = False) -> dead.DeadChoice:
    """Return the letters that a form names: those ticked or, with `all`, all that its filter matches."""
    if "all" in fields:
        known = ("sink", *filtering.FIELDS)
        given = {key: values[0] for key, values in fields.items() if key in known and values[0]}
        if ignored := given.keys() - {*_CHOSEN_BY}:
            raise InvalidQuery(f"{', '.join(sorted(ignored))}: chooses no letters. Go back, and tick some.")
        if "until" not in given:
            raise InvalidQuery("until: expected the time of the page that showed the letters.")
        return dead.DeadChoice(dry_run=dry_run, **given)  # type: ignore[arg-type]  # all of these are texts
    ids = [_number(text) for text in fields.get("id", ())]
    if not ids:
        raise InvalidQuery("No letter was chosen. Go back, and tick some.")
    return dead.DeadChoice(ids=ids, dry_run=dry_run)


def _back(done: str, letters: int) -> Response:
    return RedirectResponse(filtering.address("/dead", {"done": done, "letters": str(letters)}), 303)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
