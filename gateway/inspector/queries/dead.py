"""Dead letters: list, look at, retry and drop them."""

import msgspec
from msgspec import Raw

from gateway.inspector.queries.filters import Filter, Page
from gateway.inspector.queries.inspection import Inspection


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter as programs and pages get it. Times are ISO-8601 UTC."""

    id: int
    sink: str
    position: str
    """Such as `0/12345`."""
    batch: str
    code: str
    message: str
    answer: str | None = None
    tries: int
    first_failed_at: str
    last_failed_at: str
    message_id: str
    source: str
    type: str
    event: str | None = None
    canonical: Raw


class DeadCount(msgspec.Struct, frozen=True):
    """The number of letters of a sink with one code."""

    sink: str
    code: str
    letters: int


class DeadChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Letters to retry or drop: those that match everything given, which must be something."""

    sink: str | None = None
    ids: list[int] | None = None
    """At most 1,000."""
    code: str | None = None
    event: str | None = None
    type: str | None = None
    source: str | None = None
    user: str | None = None
    message_id: str | None = None
    since: str | None = None
    """First `last_failed_at`: ISO-8601, or an age."""
    until: str | None = None
    limit: int | None = None
    """Retry at most so many, the oldest first."""
    rate: float | None = None
    """Retry at most so many per second."""
    dry_run: bool = False
    """Only count."""


class Retried(msgspec.Struct, frozen=True):
    """Letters that are sent again, while the gateway is running."""

    letters: int
    jobs: list[int]
    """One for each sink; none after a dry run."""


class Dropped(msgspec.Struct, frozen=True):
    """Letters that were dropped, or would be."""

    letters: int


def dead(inspection: Inspection, filter: Filter, sink: str = "") -> Page[DeadLetter]:
    """Return letters of a sink, or of all, the oldest first. Raises InvalidQuery and StateUnavailable."""
    raise NotImplementedError


def counts(inspection: Inspection, sink: str = "") -> list[DeadCount]:
    """Return the number of letters by sink and code, the most frequent first. Raises StateUnavailable."""
    raise NotImplementedError


def letter(inspection: Inspection, id: int) -> DeadLetter:
    """Return a letter. Raises NotFound and StateUnavailable."""
    raise NotImplementedError


def retry(inspection: Inspection, choice: DeadChoice) -> Retried:
    """Order another try of letters. Raises InvalidQuery, NotFound and StateUnavailable."""
    raise NotImplementedError


def drop(inspection: Inspection, choice: DeadChoice) -> Dropped:
    """Delete letters; they count as skipped. Raises InvalidQuery, NotFound and StateUnavailable."""
    raise NotImplementedError
