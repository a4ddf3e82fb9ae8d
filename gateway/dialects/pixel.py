"""
An image whose address carries one event: ?data=<base64 JSON>, or dotted parameters.

https://segment.com/docs/connections/sources/catalog/libraries/server/pixel-tracking-api/ and RudderStack's
/pixel/v1 (gateway/handle_http_pixel.go), which has dotted parameters only.
"""

import base64
import binascii
from typing import Any

import msgspec

from gateway.dialects.shared import image, keys, messages, rules
from gateway.dialects.shared.describing import EXAMPLES, HEADER_KEYS, QUERY_KEY
from gateway.errors import InvalidField, UnreadableBody
from gateway.event import TYPES
from gateway.message import DecodedSubmission
from gateway.operation import Operation, fields, query
from gateway.sources import Limits
from gateway.submission import Submission

METHODS = ("GET", "HEAD")
PATHS = {
    **{f"/v1/pixel/{type}": type for type in TYPES},
    **{f"/pixel/v1/{type}": type for type in ("track", "page")},
}
LIMITS = Limits(max_event=image.MAX_URL_BYTES, max_body=image.MAX_URL_BYTES, max_events=1)

answer = image.answer
refuse = image.refuse
validate = rules.validate

_STANDARD = str.maketrans(" -_", "++/", "\r\n\t")
_DEEPEST = 32  # levels that dots may make


def write_key(submission: Submission) -> str | None:
    return keys.header_key(submission) or keys.query_key(submission)


def decode(submission: Submission) -> DecodedSubmission:
    image.check_length(submission)
    parameters = submission.parameters
    data = parameters.get("data")
    if data is None or submission.route.startswith("/pixel/"):
        body = msgspec.json.encode(_nest(parameters))
    else:
        body = _decode_base64(data)
    return messages.decode_one(body, PATHS[submission.route])


def _decode_base64(data: str) -> bytes:
    """Either alphabet, padded or not; a "+" that nobody escaped has become a space on its way."""
    if data.lstrip().startswith("{"):
        return data.encode()
    text = data.strip().translate(_STANDARD).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableBody(f"`data` is not base64: {error}") from error


def _nest(parameters: dict[str, str]) -> dict[str, Any]:
    """Turn `context.page.url=x` into objects; every value stays a text."""
    root: dict[str, Any] = {}
    for name, value in parameters.items():
        *above, last = name.split(".")
        if len(above) > _DEEPEST:
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
