"""The description of the event delivery API for /openapi.json."""

from typing import Any

from gateway.inspector.api.describing import in_path
from gateway.inspector.delivery_api.shapes import (
    DeliveryErrors,
    DeliveryHealth,
    DeliveryIssues,
    DeliveryTrend,
    Document,
    IssueDetails,
)
from gateway.operation import Fragment, Operation, Reply, header, query

MEDIA_TYPE = "application/vnd.api+json"

_SECURITY: Fragment = {
    "apiToken": {"type": "http", "scheme": "bearer", "description": "One of the source's `api_tokens`."}
}
_SITE = in_path("site", "The site, as `site_id` of its sources.")
_SINK = in_path("id", "The name of the sink.")
_PERIOD = (
    query("start", "ISO-8601; by default 24 hours before the end."),
    query("end", "ISO-8601; by default now."),
    query(
        "granularity",
        "Milliseconds of a step, a multiple of 60000; by default a minute, an hour or a day.",
    ),
)
_WAIT = {"Retry-After": header("Seconds to wait before the next call.", "integer", always=True)}


def _failure(description: str, headers: Fragment | None = None) -> Reply:
    return Reply(description, [DeliveryErrors], headers or {}, MEDIA_TYPE)


def _describe(summary: str, shape: Any, *parameters: Fragment, description: str = "") -> Operation:
    return Operation(
        summary=summary,
        description=description,
        parameters=[_SITE, *parameters],
        security=_SECURITY,
        replies={
            200: Reply("JSON:API.", [shape], content_type=MEDIA_TYPE),
            400: _failure("A parameter is unknown or malformed."),
            401: _failure("The site's token is missing."),
            404: _failure("No data found."),
            429: _failure("Too many calls with this token at once, or within a second.", _WAIT),
            503: _failure("Deliveries cannot be read now.", _WAIT),
        },
    )


HEALTHS = _describe(
    "Events delivered to a sink in a period, and not",
    Document[DeliveryHealth],
    _SINK,
    *_PERIOD,
    description=(
        "`rejected` events were refused for their form, `error` counts the others that became dead letters. "
        "`increase_rate` is the change in percent against the period of the same length before. Deliveries "
        "are counted by the minute, and kept for 30 days."
    ),
)
TRENDS = _describe("Deliveries to a sink over a period", Document[DeliveryTrend], _SINK, *_PERIOD)
ISSUES = _describe(
    "Why events were not delivered to a sink in a period",
    Document[DeliveryIssues],
    _SINK,
    *_PERIOD,
    query("filter[type]", "`error` or `rejected`; by default both."),
    description=(
        "Dead letters by code; and as errors also the attempts that failed and are repeated, with the events "
        "of all these attempts: by the words of the error if the sink has events of this site alone."
    ),
)
DETAILS = _describe(
    "One event that was not delivered",
    Document[IssueDetails],
    in_path("issue", "The `stream_hit_id` of an issue."),
)
