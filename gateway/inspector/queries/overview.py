"""The overview: is all well, in numbers."""

import msgspec

from gateway.inspector.queries.inspection import Inspection
from gateway.state.report import SinkReport


class RecentCode(msgspec.Struct, frozen=True):
    """A code by which events were refused lately."""

    code: str
    events: int
    """In the last 24 hours, as far as that is known."""
    last_at: str
    """ISO-8601 UTC."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the whole gateway. What cannot be read now is None."""

    at: str
    """ISO-8601 UTC."""
    accepted_per_second: float
    """Over the last 10 seconds."""
    accepted_last_day: int
    """Events, of those that the journal retains."""
    accepted_by_hour: list[int]
    """Events of each of the last 24 hours, the oldest first."""
    refused_last_day: int | None
    refused: list[RecentCode]
    """The newest first."""
    events: int
    """All that the journal ever had."""
    last_event: str | None
    """The position of the newest event."""
    last_received_at: str | None
    sinks: list[SinkReport] | None
    """None until delivery has started."""
    journal_bytes: int
    journal_max_bytes: int
    hours_left: float | None
    """Until the journal is full, at the pace of the last hour and if nothing is released; None: no events."""
    commit_p99_ms: float | None
    """Since the processes of the intake have started; None: no commits yet."""


def overview(inspection: Inspection) -> Overview:
    """Return the numbers of the overview. Raises OSError."""
    raise NotImplementedError
