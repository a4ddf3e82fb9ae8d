"""Refused events and requests: the newest first, by code, and one of them with its body."""

import msgspec

from gateway.inspector.queries.filters import Filter, Page
from gateway.inspector.queries.inspection import Inspection


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refused event, or a request that was refused as a whole. Every text is the client's and may be hostile."""

    id: str
    at: str
    """ISO-8601 UTC."""
    code: str
    message: str
    """What the code means."""
    details: str
    """What is wrong with this one; a field's path comes first, such as `$.userId: …`."""
    source: str
    """The source's name; "" if it is not known."""
    dialect: str
    method: str
    route: str
    query: str
    place: int | None
    """The index in the batch; None for a request that was refused as a whole."""
    message_id: str
    events: int
    """Number of events that were refused with it."""
    address: str
    """The sender's, without its last part."""
    user_agent: str
    headers: dict[str, str]
    """Without secrets."""
    body: str
    """The event's own bytes if it was one of a batch; at most 16 KB."""
    body_bytes: int
    """Before it was cut."""


class RefusedCount(msgspec.Struct, frozen=True, kw_only=True):
    """The events refused with one code."""

    code: str
    source: str
    """ "" if it is not known."""
    events: int
    """Exact."""
    unkept: int
    """Those of which a flood left no row."""
    last_at: str
    """ISO-8601 UTC."""


def refused(inspection: Inspection, filter: Filter) -> Page[RefusedRow]:
    """Return refused events, the newest first. Raises InvalidQuery."""
    raise NotImplementedError


def refusal(inspection: Inspection, id: str) -> RefusedRow:
    """Return one of them. Raises NotFound."""
    raise NotImplementedError


def counts(inspection: Inspection, since: str, until: str = "") -> list[RefusedCount]:
    """Return the events refused between two ISO-8601 times (to the minute), the most frequent first."""
    raise NotImplementedError
