"""
An image whose address carries one event: ?data=<base64 JSON>, or dotted parameters.

https://segment.com/docs/connections/sources/catalog/libraries/server/pixel-tracking-api/ and RudderStack's
/pixel/v1 (gateway/handle_http_pixel.go), which has dotted parameters only.
"""

import base64
import binascii
from typing import Any

import msgspec

from gateway.dialects import segment
from gateway.dialects.base import DURABLE, HEADER_KEYS, QUERY_KEY, RETRY, retry_headers
from gateway.errors import BodyTooLarge, InvalidField, Refusal, TryLater, UnreadableBody
from gateway.message import Contents
from gateway.operation import Operation, Reply, fields, header, query
from gateway.outcome import Answer, Outcome
from gateway.sources import Limits
from gateway.submission import Submission

METHODS = ("GET", "HEAD")
PATHS = {
    **{f"/v1/pixel/{type}": type for type in ("identify", "track", "page", "screen", "group", "alias")},
    **{f"/pixel/v1/{type}": type for type in ("track", "page")},
}
_LONGEST_URL = 32 * 1024  # bytes of path and query
LIMITS = Limits(max_event=_LONGEST_URL, max_body=_LONGEST_URL, max_events=1)

write_key = segment.write_key
validate = segment.validate

_STANDARD = str.maketrans(" -_", "++/", "\r\n\t")
_DEEPEST = 32  # levels that dots may make

_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_HEADERS = (
    (b"cache-control", b"no-store, no-cache, must-revalidate, private"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
)


def decode(submission: Submission) -> Contents:
    check_length(submission)
    parameters = submission.parameters
    data = parameters.get("data")
    if data is None or submission.route.startswith("/pixel/"):
        body = msgspec.json.encode(_nest(parameters))
    else:
        body = _decode_base64(data)
    return segment.decode_one(body, PATHS[submission.route])


def check_length(submission: Submission) -> None:
    """Raise BodyTooLarge for an address that is too long."""
    if len(submission.route) + 1 + len(submission.query) > _LONGEST_URL:
        raise BodyTooLarge


def answer(submission: Submission, outcome: Outcome) -> Answer:
    return refuse(submission, outcome.refused[0].refusal) if outcome.refused else _image()


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    """Whatever was wrong, a page gets its image: a broken one is all its visitor would notice."""
    error = ((b"x-gateway-error", refusal.code.encode()),)
    if isinstance(refusal, TryLater):
        return Answer(503, b"", b"image/gif", (*_HEADERS, *error, *retry_headers(refusal)))
    return _image(error)


def _image(more: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(200, _GIF, b"image/gif", (*_HEADERS, *more))


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
    event = msgspec.json.encode({"userId": "u1", **segment.EXAMPLES[type]})
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
        replies=REPLIES,
    )


_ERROR = {"X-Gateway-Error": header("The code of what was wrong; nothing was stored then.")}

REPLIES = {
    200: Reply("An image, whatever was wrong.", (), {**_ERROR, **DURABLE}, "image/gif"),
    503: Reply("The event cannot be stored now.", (), {**_ERROR, **RETRY}, "image/gif"),
}
