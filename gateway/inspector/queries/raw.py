"""The request by which an accepted event came, as it came."""

import msgspec

from gateway.inspector.queries.inspection import Inspection


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
    """The sender's, without its last part."""
    body: str
    """The event's own bytes if they can be told from those of its batch, else those of the whole request."""
    body_bytes: int
    """Of the whole request, inflated."""
    place: int | None
    """The event's index in the batch, if its own bytes are shown."""


class NoRaw(msgspec.Struct, frozen=True):
    """Why the request is not there."""

    reason: str
    """A sentence for people."""


def raw(inspection: Inspection, canonical: bytes) -> RawRequest | NoRaw:
    """Return the request of an event, given as the line of the journal. May wait up to 2 s for a worker."""
    raise NotImplementedError


def watch(inspection: Inspection) -> None:
    """Have the workers keep raw requests on disk for the next 30 s, and what they have in memory now."""
    raise NotImplementedError
