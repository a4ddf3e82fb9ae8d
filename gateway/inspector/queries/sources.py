"""Sources: what each has sent, by event name and code, and when it was first and last seen."""

import msgspec

from gateway.inspector.queries.inspection import Inspection


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The events of one name that a source has sent."""

    type: str
    event: str
    """ "" for types without a name; with type "", the names beyond the most that are told apart."""
    events: int
    """Accepted, within the time that the journal keeps."""
    warnings: dict[str, int]
    """Events by code of what was repaired or assumed."""
    first_seen: str
    """ISO-8601 UTC."""
    last_seen: str
    is_new: bool
    """True if it was first seen in the last 24 hours, and the source before."""


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A source, configured or once seen."""

    name: str
    enabled: bool
    configured: bool
    events: int
    refused: dict[str, int]
    """Refused events by code, of the last 7 days, as far as their source is known."""
    first_seen: str | None
    last_seen: str | None
    names: int
    """Number of event names."""
    counted_to: str | None
    """Events up to this time have been counted; None: all."""


def sources(inspection: Inspection) -> list[SourceRow]:
    """Return all sources by name."""
    raise NotImplementedError


def source(inspection: Inspection, name: str) -> tuple[SourceRow, list[Sent]]:
    """Return a source and what it has sent, the most frequent first. Raises NotFound."""
    raise NotImplementedError
