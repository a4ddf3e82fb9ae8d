"""The original request of an accepted event."""

import time
from contextlib import suppress
from typing import Any

import msgspec

from gateway import masking
from gateway.diagnostics import watching
from gateway.diagnostics.bodies import event_bytes
from gateway.diagnostics.shapes import RAW
from gateway.diagnostics.store import fetch
from gateway.event import Origin
from gateway.inspector.queries.inspection import Inspection
from gateway.raw import timestamps

PATIENCE_SECONDS = 2.0
"""How long to wait for workers to write what they have in memory."""

_POLL_SECONDS = 0.1


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request. Every text is the client's and may be hostile."""

    at: str
    """ISO-8601 UTC."""
    method: str
    route: str
    query: str
    headers: dict[str, str]
    """Without secrets."""
    address: str
    """The sender's IP address without its last part."""
    body: str
    """The event's own bytes if they can be isolated from its batch, else those of the whole request."""
    body_bytes: int
    """The size of the whole request, decompressed."""
    place: int | None
    """The event's index in the batch, if its own bytes are shown."""
    node: str | None = None
    """The gateway that received it, if several share the journal; each has only its own requests."""


class NoRaw(msgspec.Struct, frozen=True):
    """Why the request is missing."""

    reason: str
    """A sentence for people."""


class _Event(msgspec.Struct, rename="camel"):
    message_id: str
    received_at: str
    source: Origin


_read_event = msgspec.json.Decoder(_Event).decode
_read_ids = msgspec.json.Decoder(list[tuple[str, int | None]]).decode
_read_headers = msgspec.json.Decoder(dict[str, str]).decode


def raw(inspection: Inspection, canonical: bytes, patience: float = PATIENCE_SECONDS) -> RawRequest | NoRaw:
    """
    Return the request of an event, which is given as its line in the journal.

    Waits up to `patience` seconds for the workers to write what they have in memory. Raises StateUnavailable.
    """
    event = _read_event(canonical)
    asked_at = time.time()
    found = _find(inspection, event)
    if found:
        return found
    watch(inspection)
    while not (written := _have_written(inspection, asked_at)) and time.time() < asked_at + patience:
        time.sleep(_POLL_SECONDS)
    return _find(inspection, event) or NoRaw(_reason(inspection, event.source.name, written=written))


def watch(inspection: Inspection) -> None:
    """Have the workers keep raw requests on disk for the next 30 s, and what they have in memory now."""
    with suppress(OSError):  # no worker has ever run here, or the disk is full: then nothing is kept
        watching.watch(inspection.home.diagnostics, time.time())


def _have_written(inspection: Inspection, since: float) -> bool:
    """Return whether all workers have written what they had at `since`, in seconds since 1970."""
    rows = fetch(
        inspection.home.diagnostics, RAW, "SELECT count(*) FROM written WHERE at >= ?", (int(since * 1000),)
    )
    return bool(rows) and rows[0][0] >= inspection.config().server.workers


def _find(inspection: Inspection, event: _Event) -> RawRequest | None:
    statement = (
        "SELECT at, method, route, query, address, headers, body, body_bytes, events FROM requests"
        " WHERE at = ? ORDER BY id DESC"
    )
    received_at = timestamps.read(event.received_at)
    for row in fetch(inspection.home.diagnostics, RAW, statement, (received_at,)):
        for message_id, place in _read_ids(row[-1]):
            if message_id == event.message_id:
                config = inspection.config()
                return _request(row, place, masking.names(config.inspector.mask), config.node or None)
    return None


def _request(row: Any, place: int | None, hidden: frozenset[str], node: str | None) -> RawRequest:
    at, method, route, query, address, headers, body, body_bytes, _ = row
    own = event_bytes(body, place)
    return RawRequest(
        at=timestamps.write(at),
        method=method,
        route=route,
        query=masking.hide_text(query, hidden),
        headers={
            name: masking.MASK if name in hidden else text for name, text in _read_headers(headers).items()
        },
        address=address,
        body=masking.show(body if own is None else own, hidden).decode("utf-8", "replace"),
        body_bytes=body_bytes,
        place=None if own is None else place,
        node=node,
    )


def _reason(inspection: Inspection, name: str, *, written: bool) -> str:
    node = inspection.config().node
    missing = _why_missing(inspection, name, written=written)
    if not node:
        return missing
    return f"Each gateway has only its own requests; it may be with another one than this, {node}. {missing}"


def _why_missing(inspection: Inspection, name: str, *, written: bool) -> str:
    source = inspection.config().sources.get(name)
    if not written:
        return "The workers did not answer; requests are in their memory while the gateway runs."
    if source and source.inspect:
        return (
            "The request is older than `inspect` of its source allows, or than the 256 MB that are kept of"
            " all sources; or a worker got more than 4 MB a second, of which it keeps a part."
        )
    return (
        "Each worker has only its last 8 MB of requests in memory, and of more than 4 MB a second only a"
        " part; of more than 128 KB a second, it writes a part to disk while somebody looks. This one is not"
        f' among them. To keep those of the source "{name}" on disk, set `inspect = "2h"` in its table.'
    )
