"""The shapes of the event delivery API's answers: JSON:API documents."""

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

Attributes = TypeVar("Attributes")


class Resource(msgspec.Struct, Generic[Attributes], frozen=True):
    """The one object of a document."""

    type: str
    id: str
    attributes: Attributes


class Document(msgspec.Struct, Generic[Attributes], frozen=True):
    """The body of an answer."""

    data: Resource[Attributes]


class DeliveryError(msgspec.Struct, frozen=True):
    """What went wrong."""

    status: int
    detail: str
    code: str | UnsetType = UNSET


class DeliveryErrors(msgspec.Struct, frozen=True):
    """The body of the answer to a call that was not carried out."""

    errors: list[DeliveryError]


class Count(msgspec.Struct, frozen=True):
    """A number of events, and its change."""

    total: int
    increase_rate: float | None
    """In percent, compared with the previous period of the same length; null if that had none."""


class DeliveredCounts(msgspec.Struct, frozen=True):
    """Events that were delivered."""

    immediate: Count
    retry: Count


class FailedCounts(msgspec.Struct, frozen=True):
    """Events that were not delivered."""

    rejected: Count
    error: Count


class Dataset(msgspec.Struct, frozen=True):
    """A table, whose first row has the names of its columns."""

    dataset: list[list[Any]]


class DayTrends(msgspec.Struct, frozen=True):
    """The last 30 days."""

    success: Dataset
    fail: Dataset


class DeliveryHealth(msgspec.Struct, frozen=True):
    """The health of a sink in a period."""

    connector_type: str
    total: int
    success: DeliveredCounts
    fail: FailedCounts
    trends: DayTrends


class DeliveryTrend(msgspec.Struct, frozen=True):
    """Deliveries over a period."""

    connector_type: str
    datasets: list[list[Any]]


class Issue(msgspec.Struct, frozen=True):
    """Events that failed for one reason."""

    reason: str
    event_types: list[str]
    events_count: int
    last_seen: int
    """Milliseconds since 1970."""
    stream_hit_id: str | None
    """The id of the newest such event, for `details`; null if it is not kept."""


class DeliveryIssues(msgspec.Struct, frozen=True, omit_defaults=True):
    """The issues of a sink; only one of the two lists if only one was requested."""

    connector_type: str
    error: list[Issue] | UnsetType = UNSET
    rejected: list[Issue] | UnsetType = UNSET


class SentRequest(msgspec.Struct, frozen=True):
    """What was sent, secrets masked."""

    url: str | None
    method: str | None
    body: str | None
    """Null if it included other events too, or is not kept."""
    data: Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
    """The event."""


class TargetResponse(msgspec.Struct, frozen=True, rename={"status_code": "statusCode"}):
    """What the target answered, secrets masked."""

    status_code: int | None
    headers: dict[str, str]
    body: str
    data: Annotated[Raw, Meta(extra_json_schema={})]
    """The body, if it is JSON; else null."""


class IssueDetails(msgspec.Struct, frozen=True):
    """One failed delivery."""

    timestamp: int
    """Milliseconds since 1970."""
    status: str
    """`rejected` or `error`."""
    detail: str
    request: SentRequest
    response: TargetResponse
