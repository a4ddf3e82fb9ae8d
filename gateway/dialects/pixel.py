"""
An image whose address carries one event: ?data=<base64 JSON>, or dotted parameters; or a beacon sent to it.

https://segment.com/docs/connections/sources/catalog/libraries/server/pixel-tracking-api/ and RudderStack's
/pixel/v1 (gateway/handle_http_pixel.go), which has dotted parameters only.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.shared import image, keys, messages, parameters, rules
from gateway.dialects.shared.describing import EXAMPLES, HEADER_KEYS, QUERY_KEY, describe_one
from gateway.dialects.shared.slow_path import is_write_key
from gateway.errors import InvalidField
from gateway.event import TYPES
from gateway.message import DecodedSubmission
from gateway.operation import Operation, fields, query
from gateway.sources import Limits
from gateway.submission import Submission

METHODS = ("GET", "HEAD", "POST")
PATHS = {
    **{f"/v1/pixel/{type}": type for type in TYPES},
    **{f"/pixel/v1/{type}": type for type in ("track", "page")},
}
LIMITS = Limits(max_event=image.MAX_URL_BYTES, max_body=image.MAX_URL_BYTES, max_events=1)

answer = image.answer
refuse = image.refuse
validate = rules.validate
write_key = keys.finder(keys.PLACES)

_MAX_LEVELS = 32
"""The maximum depth of nesting by dots."""


def decode(submission: Submission) -> DecodedSubmission:
    image.check_length(submission)
    if submission.method == "POST" and submission.body.strip():
        return _decode_beacon(submission)
    return _decode_parameters(parameters.read(submission.query), submission.route)


def _decode_beacon(submission: Submission) -> DecodedSubmission:
    """Read what navigator.sendBeacon sends: the event as JSON or base64, or a form of the same parameters."""
    body, route = submission.body, submission.route
    if body.lstrip()[:1] == b"{":
        return messages.decode_one(body, PATHS[route])
    form = parameters.read_form(body)
    if form is None:
        return messages.decode_one(parameters.decode_data(body.decode("latin-1")), PATHS[route])
    decoded = _decode_parameters(form, route)
    decoded.write_key = parameters.find_write_key(form)
    return decoded


def _decode_parameters(given: Mapping[str, str], route: str) -> DecodedSubmission:
    data = given.get("data")
    if data is None or route.startswith("/pixel/"):
        body = msgspec.json.encode(_nest(given))
    else:
        body = parameters.decode_data(data)
    return messages.decode_one(body, PATHS[route])


def _nest(given: Mapping[str, str]) -> dict[str, Any]:
    """Turn `context.page.url=x` into objects; every value stays text. Leaves out the key."""
    root: dict[str, Any] = {}
    for name, value in given.items():
        if is_write_key(name):
            continue
        *above, last = name.split(".")
        if len(above) > _MAX_LEVELS:
            raise InvalidField(f"{name[:50]}…: nested too deep")
        inner = root
        for step in above:
            below = inner.get(step)
            if not isinstance(below, dict):
                below = inner[step] = {}
            inner = below
        inner[last] = value
    if isinstance(id := root.get("anonymousId"), str):
        root["anonymousId"] = id.strip('"')  # RudderStack's e-mail pixels put it in quotes
    return root


def describe(method: str, path: str) -> Operation:
    type = PATHS[path]
    if method == "POST":
        return msgspec.structs.replace(
            describe_one(type), summary=f"One event of type {type}, by a beacon", replies=image.REPLIES
        )
    event = msgspec.json.encode({"userId": "u1", **EXAMPLES[type]})
    data = query("data", "The event's JSON as base64.", example=base64.b64encode(event).decode())
    dotted = fields(
        "Without `data`: the event's fields, dots between their names.",
        {"userId": "u1", "event": "Opened", "context.app.name": "mail"},
    )
    return Operation(
        summary=f"One event of type {type}, by an image",
        description="HEAD answers as GET, and records nothing.",
        parameters=[dotted] if path.startswith("/pixel/") else [data, dotted],
        security={**HEADER_KEYS, **QUERY_KEY},
        anonymous=True,
        replies=image.REPLIES,
    )
