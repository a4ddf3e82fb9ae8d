"""`/api/events`: search, one event's journey, and the live tail as a stream of server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta, Raw
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.inspector.api.asking import FILTERS, Asking, read_filter, read_parameters
from gateway.inspector.api.describing import describe_question, in_path
from gateway.inspector.api.encoding import to_json
from gateway.inspector.queries import events, stream
from gateway.inspector.queries.errors import InvalidQuery, NotFound
from gateway.inspector.queries.events import EventJourney, EventRow
from gateway.inspector.queries.fates import Fate
from gateway.inspector.queries.filters import Page, read_positions, require, write_positions
from gateway.inspector.queries.raw import NoRaw, RawRequest
from gateway.inspector.queries.stream import Burst
from gateway.operation import Operation, Reply
from gateway.services.app import DescribedRoute
from gateway.warnings import Warning

COMMENT_SECONDS = 15.0
"""Proxies close streams that are silent for longer."""

_UNBUFFERED = {"X-Accel-Buffering": "no"}  # by nginx

_encode = msgspec.json.Encoder().encode


class EventDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One event, from its request to every sink."""

    position: str
    """Such as `0/12345`."""
    partition: str
    received_at: str
    source: str
    dialect: str
    type: str
    event: str | None
    message_id: str
    user_id: str | None
    anonymous_id: str | None
    verdict: str
    warnings: list[Warning]
    canonical: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    raw: RawRequest | None
    """The request as it came."""
    raw_missing: str | None
    """Why the request is missing."""
    sinks: list[Fate]


class Dropped(msgspec.Struct, frozen=True):
    """The data of an SSE event `dropped`."""

    events: int
    """Events that were skipped, since they come faster than they are read."""


def routes(asking: Asking) -> list[DescribedRoute]:
    """Return the routes."""
    inspection = asking.inspection

    async def search(request: Request) -> Response:
        filter, _ = read_filter(request)
        return to_json(await asking.ask(lambda: events.events(inspection, filter)))

    async def show(request: Request) -> Response:
        position = request.path_params["position"]
        addresses = read_parameters(request, ("addresses",)).get("addresses", "cut")
        if addresses not in ("cut", "whole"):
            raise InvalidQuery(f'addresses: expected "cut" or "whole", got {addresses[:50]!r}')
        found = await asking.ask(lambda: events.event(inspection, position, addresses=addresses == "whole"))
        if found is None:
            raise NotFound(f"the journal has no event at {position[:50]}")
        return to_json(_detail(found))

    async def tail(request: Request) -> Response:
        filter, _ = read_filter(request)
        require(filter, _STREAMED)
        bursts = stream.tail(inspection, filter, request.headers.get("last-event-id", ""))
        first = await anext(bursts)  # raises the error of a wrong query before the answer begins
        return StreamingResponse(lines(first, bursts), headers=_UNBUFFERED, media_type="text/event-stream")

    return [
        DescribedRoute("/api/events", search, {"GET": _SEARCH}),
        DescribedRoute("/api/events/stream", tail, {"GET": _TAIL}),
        DescribedRoute("/api/events/{position:path}", show, {"GET": _SHOW}),
    ]


async def lines(
    first: Burst, bursts: AsyncGenerator[Burst, None], clock: Callable[[], float] = monotonic
) -> AsyncIterator[bytes]:
    """Yield bursts as server-sent events, and a comment after 15 s without anything else."""
    said_at = clock()
    seen: dict[str, int] = {}
    async with aclosing(bursts):
        yield _sse(first, seen)
        async for burst in bursts:
            text = _sse(burst, seen) if burst.rows or burst.dropped else b""
            if not text and clock() - said_at >= COMMENT_SECONDS:
                text = b": alive\n\n"
            if text:
                said_at = clock()
                yield text


def _sse(burst: Burst, seen: dict[str, int]) -> bytes:
    """
    Return a burst as SSE, each event with the positions from which a client that has seen it resumes.

    `seen` holds the position up to which the client has seen each partition; it is updated.
    """
    rows = [(row, *_place(row)) for row in burst.rows]
    first = {partition: number for _, partition, number in reversed(rows)}
    ends = read_positions("positions", burst.positions) if burst.positions else {}
    seen.update({**ends, **first})
    parts = []
    for row, partition, number in rows:
        seen[partition] = number + 1
        parts.append(b"id: %b\ndata: %b\n\n" % (write_positions(seen).encode(), _encode(row)))
    seen.update(ends)
    if burst.dropped:
        parts.append(b"event: dropped\ndata: %b\n\n" % _encode(Dropped(burst.dropped)))
    # Without data this changes only the id, so that events that did not match are not read again.
    parts.append(b"id: %b\n\n" % burst.positions.encode())
    return b"".join(parts)


def _place(row: EventRow) -> tuple[str, int]:
    partition, _, number = row.position.partition("/")
    return partition, int(number)


def _detail(found: EventJourney) -> EventDetail:
    row = found.row
    missing = found.raw.reason if isinstance(found.raw, NoRaw) else None
    return EventDetail(
        position=row.position,
        partition=row.position.partition("/")[0],
        received_at=row.received_at,
        source=row.source,
        dialect=row.dialect,
        type=row.type,
        event=row.event or None,
        message_id=row.message_id,
        user_id=row.user_id or None,
        anonymous_id=row.anonymous_id or None,
        verdict=row.verdict,
        warnings=found.warnings,
        canonical=found.canonical,
        raw=None if isinstance(found.raw, NoRaw) else found.raw,
        raw_missing=missing,
        sinks=found.sinks,
    )


_SEARCH = describe_question("Events of the journal, the newest first", Page[EventRow], filters=FILTERS)
_SHOW = describe_question(
    "One event, from its request to every sink",
    EventDetail,
    in_path("position", "Its position, such as `0/12345`."),
    addresses="`whole`: the IP addresses in `canonical` keep their last part.",
)
_STREAMED = tuple(name for name in FILTERS if name not in ("limit", "cursor"))
_QUESTION = describe_question("New events as they are accepted", EventRow, filters=_STREAMED)
_TAIL = Operation(
    summary=_QUESTION.summary,
    description=(
        "Server-sent events: `data` is an event as in the list, `id` the positions from which to resume, "
        "such as `0/12,1/7`; send it as Last-Event-ID. Without it, the stream begins now. An event `dropped` "
        "counts those that were passed over because they come faster than they are read. A comment comes "
        "every 15 s if nothing else does."
    ),
    parameters=[
        {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The last `id` that was seen.",
            "schema": {"type": "string"},
        },
        *_QUESTION.parameters,
    ],
    security=_QUESTION.security,
    anonymous=True,
    replies={
        **_QUESTION.replies,
        200: Reply("The stream.", [{"type": "string"}], content_type="text/event-stream"),
    },
)
