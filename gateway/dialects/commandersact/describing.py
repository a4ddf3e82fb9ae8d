"""Commanders Act's routes as OpenAPI describes them."""

from gateway.dialects.shared import image
from gateway.dialects.shared.answers import Success
from gateway.dialects.shared.describing import DURABLE, RETRY
from gateway.operation import Fragment, Operation, Reply, examples, fields, header, query
from gateway.outcome import Failure


def describe(method: str, path: str) -> Operation:
    site = query("tc_s", "The site; required if the source has a `site_id`.", example="29")
    batch = path.endswith("/batch")
    if method != "POST":
        event = {"event_name": "page_view", "user[id]": "1", "user[consent_categories][]": "1"}
        return Operation(
            summary="One event, by an image",
            description="HEAD answers as GET, and records nothing.",
            parameters=[site, fields("The event's fields, those of objects and lists in brackets.", event)],
            security=_KEYS,
            replies=image.REPLIES,
        )
    return Operation(
        summary="Several events" if batch else "One event, in version 2.0 or 1.0",
        description="What an event lacks is in its warnings; what is refused, in the inspector. "
        "A single event and a batch are read on either route.",
        parameters=[site],
        security=_KEYS,
        shapes=[_BATCH if batch else _EVENT],
        examples=examples(batch={"batch": [_EXAMPLE]}) if batch else examples(v2=_EXAMPLE, v1=_EXAMPLE_V1),
        replies=_REPLIES,
    )


_KEYS: Fragment = {
    "token": {"type": "apiKey", "in": "query", "name": "token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}

# Without types, since a value of any type is accepted: one of the wrong type stays under its own name.
_EVENT: Fragment = {
    "type": "object",
    "properties": {
        "event_name": {"description": "A text."},
        "user": {"description": "`id`, `consistent_anonymous_id`, `consent_categories`, `email` and others."},
        "context": {"description": "`event_id`, `event_timestamp` in milliseconds, `page`, `device`, `app`."},
        "properties": {"description": "Version 1.0 has here what version 2.0 has beside `event_name`."},
    },
}
_BATCH: Fragment = {
    "type": "object",
    "properties": {"batch": {"description": "A list of events.", "items": _EVENT}},
}
_EXAMPLE: Fragment = {
    "event_name": "purchase",
    "id": "o1",
    "value": 9.5,
    "currency": "EUR",
    "user": {"id": "1", "consent_categories": ["1", "3"]},
    "context": {"event_id": "e1", "event_timestamp": "1790000000000"},
}
_EXAMPLE_V1: Fragment = {
    "event_name": "purchase",
    "event_id": "e1",
    "event_timestamp": 1790000000000,
    "properties": {"id": "o1", "value": 9.5, "currency": "EUR", "user": {"id": "1"}},
}

_ERROR = {"X-Gateway-Error": header("The code of what was refused first.")}
_REPLIES = {
    200: Reply("Whatever was wrong with the events.", [Success], {**_ERROR, **DURABLE}),
    400: Reply("The body is no JSON object, or too large.", [Failure], _ERROR),
    503: Reply("The events cannot be stored now; none was.", [Failure], {**_ERROR, **RETRY}),
}
