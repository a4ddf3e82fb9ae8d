"""Replays: parts of the journal that are sent to a sink again."""

import msgspec

from gateway.inspector.queries.filters import Filter, Page
from gateway.inspector.queries.inspection import Inspection


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A replay as programs and pages get it."""

    id: int
    sink: str
    state: str
    """running, done, cancelled or failed."""
    events: int
    """To send, before the sink's filters."""
    sent: int
    refused: int
    progress: float
    """From 0 to 1."""
    created_at: str
    since: str | None = None
    until: str | None = None
    filters: dict[str, str]


class ReplayOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The events to replay: those that match everything given."""

    sink: str
    since: str | None = None
    """First time of receipt: ISO-8601, or an age such as `2h`."""
    until: str | None = None
    source: str | None = None
    type: str | None = None
    event: str | None = None
    user: str | None = None
    message_id: str | None = None
    rate: float | None = None
    """At most so many events per second."""
    dry_run: bool = False


class Counted(msgspec.Struct, frozen=True):
    """The number of events that a replay would send."""

    sink: str
    events: int


def replays(inspection: Inspection, filter: Filter) -> Page[Replay]:
    """Return the replays, the newest first. Raises InvalidQuery and StateUnavailable."""
    raise NotImplementedError


def replay(inspection: Inspection, id: int) -> Replay:
    """Return a replay. Raises NotFound and StateUnavailable."""
    raise NotImplementedError


def start(inspection: Inspection, order: ReplayOrder) -> Replay | Counted:
    """
    Order a replay; count only if it is a dry run or there is no event.

    Raises InvalidQuery, NotFound, StateUnavailable and OSError.
    """
    raise NotImplementedError


def cancel(inspection: Inspection, id: int) -> Replay:
    """End a replay, unless it has ended; what it has sent stays sent. Raises NotFound, StateUnavailable."""
    raise NotImplementedError
