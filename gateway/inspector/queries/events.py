"""Events of the journal: search, and the journey of one event to every sink."""

from typing import Literal

import msgspec
from msgspec import Raw

from gateway.inspector.queries.filters import Filter, Page
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.raw import NoRaw, RawRequest
from gateway.warnings import Warning

Outcome = Literal["delivered", "filtered", "duplicate", "dead", "skipped", "pending"]


class EventRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event in a list or in the live tail."""

    position: str
    """Such as `0/12345`."""
    received_at: str
    """ISO-8601 UTC, to the millisecond."""
    source: str
    dialect: str
    type: str
    event: str = ""
    """The name of a track event, page or screen."""
    message_id: str
    user_id: str = ""
    anonymous_id: str = ""
    verdict: Literal["accepted", "repaired"] = "accepted"
    codes: tuple[str, ...] = ()
    """Of the event's warnings, each once."""


class Fate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an event at one sink."""

    sink: str
    outcome: Outcome
    reason: str = ""
    """
    Why it was filtered (source, type, event, consent or integrations, judged by the present filters) or
    skipped, or the code of the dead letter.
    """
    message: str = ""
    """Of the dead letter, or why the event is pending."""
    answer: str = ""
    """Of the target, about the dead letter."""
    letter: int | None = None
    """The id of the dead letter."""
    of: str | None = None
    """The position of the event that this one is a duplicate of, if it is still there."""
    at: str | None = None
    """When it was delivered or failed, ISO-8601 UTC, if that was recorded."""
    batch: str | None = None
    """The batch in which it was delivered or failed, if that was recorded."""


class EventJourney(msgspec.Struct, frozen=True, kw_only=True):
    """One event, from its request to every sink."""

    row: EventRow
    warnings: list[Warning]
    canonical: Raw
    """The event as JSON, without masked values."""
    raw: RawRequest | NoRaw
    sinks: list[Fate]
    """One for each configured sink, in the order of the configuration."""


def events(inspection: Inspection, filter: Filter) -> Page[EventRow]:
    """
    Return events of the journal, the newest first. Takes a bounded time: a page may be partial.

    Events that were refused are not in the journal, see refused.py: with the verdict "refused" there are none.
    Raises InvalidQuery and OSError.
    """
    raise NotImplementedError


def event(inspection: Inspection, position: str) -> EventJourney | None:
    """
    Return one event by its position such as `0/12345`, or None if the journal has none there.

    Raises InvalidQuery, StateUnavailable and OSError.
    """
    raise NotImplementedError
