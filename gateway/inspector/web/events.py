"""The pages of events: the live tail, the search, and the journey of one event."""

import math
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.config.tables import Config
from gateway.delivery.route import Route as Filters
from gateway.event import TYPES
from gateway.inspector.access import forms
from gateway.inspector.queries import events, exchanges, raw, refused, replays, stream
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.filters import Filter, newest, write_positions
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.web import commands, filtering, snippets
from gateway.inspector.web.rendering import Pages
from gateway.raw import timestamps

_MOST_DRAWN = 25
"""Rows of a burst that are sent to a page; ten bursts a second are more than anyone reads."""

_COMMIT_MS = 60_000
"""The longest time from the receipt of an event to its commit."""

_WATCH_SECONDS = 10.0
"""How often the workers are told that somebody is watching; each notice holds for 30 s."""


def routes(pages: Pages, inspection: Inspection) -> list[Route]:
    """Return the routes of the pages below /events."""

    async def search(request: Request) -> Response:
        choice = filtering.read(request)
        values: dict[str, Any] = {
            "choice": choice,
            "types": TYPES,
            "sources": sorted(inspection.config().sources),
        }
        if choice.filter.verdict == "refused":
            rows = await pages.ask(refused.refused, inspection, choice.filter)
            return pages.render(request, "events_refused", page=rows, **values)
        # The tail continues from here, so that no event falls between the two.
        positions = await pages.ask(newest, inspection.journal)
        found = await pages.ask(events.events, inspection, choice.filter)
        is_live = not (choice.filter.cursor or choice.filter.until)
        return pages.render(
            request, "events", page=found, is_live=is_live, start=write_positions(positions), **values
        )

    async def tail(request: Request) -> Response:
        choice = filtering.read(request)
        since = request.headers.get("last-event-id") or request.query_params.get("from", "")
        return StreamingResponse(
            _stream(inspection, choice.filter, since),
            headers={"X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )

    async def show(request: Request) -> Response:
        position = _position(request)
        is_whole = request.query_params.get("addresses") == "whole"
        journey = await pages.ask(events.event, inspection, position, addresses=is_whole)
        if journey is None:
            raise NotFound(
                f"The journal has no event at {position}. It may have been released: see [journal] keep."
            )
        config = inspection.config()
        canonical = bytes(journey.canonical)
        sent = {
            fate.sink: found
            for fate in journey.sinks
            if (found := await pages.ask(exchanges.of_event, inspection, fate.sink, *_parts(position)))
        }
        return pages.render(
            request,
            "event",
            journey=journey,
            raw=journey.raw if isinstance(journey.raw, raw.RawRequest) else None,
            raw_missing=journey.raw.reason if isinstance(journey.raw, raw.NoRaw) else "",
            canonical=canonical,
            is_whole=is_whole,
            has_addresses=b'"ip":"' in canonical and "ip" not in events.hidden_keys(inspection),
            command=commands.curl(snippets.address(config), journey),
            sent=sent,
            denied=_denied(config, journey),
            sinks=list(config.sinks),
            replay=request.query_params.get("replay", ""),
        )

    async def send_again(request: Request) -> Response:
        position = _position(request)
        journey = await pages.ask(events.event, inspection, position)
        if journey is None:
            raise NotFound(f"The journal has no event at {position}.")
        sink = forms.parse(await request.body()).get("sink", [""])[0]

        def back(replay: str) -> Response:
            return RedirectResponse(filtering.address(f"/events/{position}", {"replay": replay}), 303)

        if any(fate.sink == sink and fate.outcome == "pending" for fate in journey.sinks):
            return back("none")
        # The id selects; the times, those of the commit and not of the event, only bound the search.
        received = timestamps.read(journey.row.received_at)
        order = replays.ReplayOrder(
            sink=sink,
            since=timestamps.write(received - _COMMIT_MS),
            until=timestamps.write(received + _COMMIT_MS),
            message_id=journey.row.message_id,
            source=journey.row.source,
        )
        started = await pages.ask(replays.start, inspection, order)
        return back(str(started.id) if isinstance(started, replays.Replay) else "none")

    return [
        Route("/events", search),
        Route("/events/stream", tail),
        Route("/events/{partition}/{number}", show),
        Route("/events/{partition}/{number}/replay", send_again, methods=["POST"]),
    ]


async def _stream(inspection: Inspection, filter: Filter, since: str) -> AsyncIterator[bytes]:
    watched = -math.inf
    try:
        async with aclosing(stream.tail(inspection, filter, since, _MOST_DRAWN)) as bursts:
            async for burst in bursts:
                if time.monotonic() - watched > _WATCH_SECONDS:
                    watched = time.monotonic()
                    await to_thread.run_sync(raw.watch, inspection)
                drawn = burst.rows[-_MOST_DRAWN:]
                more = burst.more + len(burst.rows) - len(drawn) + burst.dropped
                data = msgspec.json.encode({"rows": drawn, "more": more})
                yield b"id: %b\ndata: %b\n\n" % (burst.positions.encode(), data)
    except InvalidQuery as error:
        yield b"event: problem\ndata: %b\n\n" % msgspec.json.encode(str(error))


def _denied(config: Config, journey: events.EventJourney) -> dict[str, list[str]]:
    """Return the consent categories that the event lacks, by sink that it was withheld from."""
    line = bytes(journey.canonical)
    found = {}
    for fate in journey.sinks:
        sink = config.sinks.get(fate.sink)
        if sink and fate.reason == "consent":
            one_by_one = {each: msgspec.structs.replace(sink, consent=(each,)) for each in sink.consent}
            found[fate.sink] = [
                each
                for each, only in one_by_one.items()
                if Filters(fate.sink, only).reason(line) == "consent"
            ]
    return found


def _position(request: Request) -> str:
    return "{partition}/{number}".format_map(request.path_params)


def _parts(position: str) -> tuple[str, int]:
    partition, _, number = position.partition("/")
    return partition, int(number)
