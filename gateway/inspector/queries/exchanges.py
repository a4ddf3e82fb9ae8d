"""The last requests to HTTP sinks and their answers, and all of dead letters."""

import msgspec

from gateway.inspector.queries.filters import Filter, Page
from gateway.inspector.queries.inspection import Inspection


class ExchangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a sink's target and its answer, secrets masked. What the target says may be hostile."""

    id: int
    sink: str
    at: str
    """ISO-8601 UTC."""
    batch: str
    partition: str
    first: int
    """The first position of the events in the request."""
    end: int
    """One past the last."""
    events: int
    origin: str
    """live, retry or replay."""
    method: str
    host: str
    """Host and port; paths and queries of webhooks often hold secrets."""
    request_headers: dict[str, str]
    request_body: str
    """At most 16 KB."""
    request_bytes: int
    status: int | None
    """None if there was no answer."""
    error: str
    """Why there was none."""
    answer_headers: dict[str, str]
    answer_body: str
    """At most 4 KB."""
    milliseconds: int
    dead: bool
    """True if an event of it became a dead letter."""


def exchanges(inspection: Inspection, sink: str, filter: Filter) -> Page[ExchangeRow]:
    """Return the last exchanges of a sink, the newest first; `code` filters by status. Raises InvalidQuery."""
    raise NotImplementedError


def exchange(inspection: Inspection, id: int) -> ExchangeRow:
    """Return one of them. Raises NotFound."""
    raise NotImplementedError


def of_event(inspection: Inspection, sink: str, partition: str, position: int) -> list[ExchangeRow]:
    """Return the exchanges by which an event was sent to a sink, the newest first, at most 20."""
    raise NotImplementedError
