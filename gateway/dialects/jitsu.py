"""
Jitsu's own routes: the Segment spec, but with a path for each type and the key in a header.

@jitsu/js 1.11.0, and the routes of its server (bulker, ingest/router.go).
"""

import msgspec

from gateway.dialects.shared import keys, messages, rules
from gateway.dialects.shared.answers import plain_answer, plain_refusal
from gateway.dialects.shared.describing import (
    BATCH_REPLIES,
    DURABLE,
    HEADER_KEYS,
    PLAIN_REPLIES,
    QUERY_KEY,
    describe_many,
    describe_one,
)
from gateway.dialects.shared.keys import Place
from gateway.errors import Refusal
from gateway.event import TYPES
from gateway.message import DecodedSubmission
from gateway.operation import Operation, Reply
from gateway.outcome import Answer, Outcome
from gateway.submission import Submission

METHODS = ("POST",)
_TYPES = {
    **{name: type for type in TYPES for name in (type, type[0])},
    **dict.fromkeys(("event", "e"), "track"),
}
PATHS = {
    **{f"/api/s/{name}": type for name, type in _TYPES.items()},
    **{f"/api/s/s2s/{name}": type for name, type in _TYPES.items()},
    "/api/s/s2s/batch": "",
}
LIMITS = messages.LIMITS
PLACES: tuple[Place, ...] = ("header", "basic", "query", "login")
"""Places of the key. Not the body: the client masks the key that it writes there, as "KEY:***"."""

validate = rules.validate
_find_key = keys.finder(PLACES)


class Ok(msgspec.Struct):
    """The client reads this as its configuration, and would load the scripts of any `destinations` in it."""

    ok: bool
    success: bool


OK = Answer(200, b'{"ok": true, "success": true}')


def write_key(submission: Submission) -> str | None:
    """Return the key without its secret: the client insists on one, and writes "KEY:secret"."""
    key = _find_key(submission)
    return key.partition(":")[0] if key else None


def decode(submission: Submission) -> DecodedSubmission:
    type = PATHS[submission.route]
    decoded = messages.decode_one(submission.body, type) if type else messages.decode_many(submission.body)
    keys.drop_outranked(PLACES, submission, decoded)
    return decoded


def answer(submission: Submission, outcome: Outcome) -> Answer:
    return plain_answer(submission, outcome) if outcome.refused else OK


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    return plain_refusal(submission, refusal, batch=not PATHS[submission.route])


def describe(method: str, path: str) -> Operation:
    type = PATHS[path]
    replies = PLAIN_REPLIES if type else BATCH_REPLIES
    told = describe_one(type) if type else describe_many("Several events, server to server")
    return msgspec.structs.replace(
        told,
        security={**HEADER_KEYS, **QUERY_KEY},
        anonymous=False,
        replies={**replies, 200: Reply("All events are stored.", [Ok, *replies[200].shapes], DURABLE)},
    )
