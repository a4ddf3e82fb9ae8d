"""The live tail: events as they are accepted, from any positions on."""

from collections.abc import AsyncIterator

import msgspec

from gateway.inspector.queries.events import EventRow
from gateway.inspector.queries.filters import Filter
from gateway.inspector.queries.inspection import Inspection


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """What is new since the last burst."""

    positions: str
    """Up to where the journal was read, such as `0/12,1/7`: the id of the event of SSE, to resume from."""
    rows: list[EventRow]
    """The events that match, in the order of each partition; empty if only others came, or none did."""
    dropped: int = 0
    """Events that were passed over, because the reader is slower than they come."""


def tail(inspection: Inspection, filter: Filter, positions: str = "") -> AsyncIterator[Burst]:
    """
    Yield bursts of new events from `positions` on, or from now on, forever.

    At most 10 bursts a second, and one without rows each second if nothing comes, so that the caller notices
    that its client has gone. `limit`, `cursor`, `since` and `until` are ignored. Raises InvalidQuery at the
    first burst; what cannot be read now is read later.
    """
    raise NotImplementedError
