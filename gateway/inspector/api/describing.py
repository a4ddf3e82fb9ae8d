"""The pieces of the inspector's /openapi.json that several routes use."""

from collections.abc import Collection
from typing import Any

import msgspec

from gateway.operation import Fragment, Operation, Reply, query

SECURITY: Fragment = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `token` of `[inspector]`, if it is set.",
    }
}


class Error(msgspec.Struct):
    """What went wrong."""

    code: str
    message: str


class Failed(msgspec.Struct):
    """The body of the answer to a call that was not carried out."""

    error: Error


_REPLIES = {
    400: Reply("A parameter is unknown or malformed.", [Failed]),
    401: Reply("The token is missing or wrong.", [Failed]),
    403: Reply("Another site has sent the request, or the host is not allowed.", [Failed]),
    503: Reply("The journal or the state cannot be read now, or too many wait.", [Failed]),
}
_NOT_FOUND = {404: Reply("There is none of this name.", [Failed])}

_FILTERS = {
    "source": "Of this source.",
    "type": "Of this type.",
    "event": "With this event name.",
    "user": "With this userId or anonymousId.",
    "message_id": "With this messageId.",
    "text": "With this text anywhere, in upper or lower case.",
    "verdict": "`accepted`, `repaired` or `refused`.",
    "code": "With this code.",
    "since": "From this time on: ISO-8601, or an age such as `2h`.",
    "until": "Before this time.",
    "limit": "At most this many; 50 by default, 500 at most.",
    "cursor": "The `next` of the page before.",
}


def in_path(name: str, description: str) -> Fragment:
    """Return a parameter of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }


def describe_question(
    summary: str, shape: Any, *path: Fragment, filters: Collection[str] = (), **more: str
) -> Operation:
    """Return the description of a GET; `more` holds query parameters with their meaning."""
    texts = {**more, **{name: text for name, text in _FILTERS.items() if name in filters}}
    return Operation(
        summary=summary,
        parameters=[*path, *(query(name, text) for name, text in texts.items())],
        security=SECURITY,
        anonymous=True,
        replies={200: Reply("The answer.", [shape]), **_REPLIES, **_NOT_FOUND},
    )


def describe_order(
    summary: str,
    reply: Any,
    order: Any = None,
    *path: Fragment,
    description: str = "",
    examples: Fragment | None = None,
) -> Operation:
    """Return the description of a call that changes something; `order` is the shape of its body."""
    return Operation(
        summary=summary,
        description=description,
        parameters=path,
        shapes=[order] if order else (),
        examples=examples or {},
        security=SECURITY,
        anonymous=True,
        replies={200: Reply("What was done.", [reply]), **_REPLIES, **_NOT_FOUND},
    )
