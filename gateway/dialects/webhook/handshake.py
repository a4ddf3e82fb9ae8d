"""
Requests that only check whether a webhook's address works: tests without an event, and challenges to repeat.

Slack (https://docs.slack.dev/reference/events/url_verification), Lark and monday.com send a `challenge` in
JSON; WebSub (https://www.w3.org/TR/websub/#hub-verifies-intent) and Meta have `hub.challenge` in the query,
Dropbox and Nylas `challenge`, Microsoft Graph `validationToken`. Mailchimp, Mandrill and Trello send GET,
HEAD or an empty list.
"""

import re
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.dialects.shared.answers import SUCCESS, Success
from gateway.errors import UnreadableBody
from gateway.operation import Operation, Reply
from gateway.outcome import Answer
from gateway.raw import objects, values
from gateway.submission import Submission

METHODS = ("GET", "HEAD")
"""Methods of requests that never carry an event to a webhook."""

_MAX_CHALLENGE_CHARACTERS = 1024
_MAX_BODY_BYTES = 16 * _MAX_CHALLENGE_CHARACTERS  # which may all be escaped

_PARAMETERS = ("hub.challenge", "challenge", "validationToken")
_HARMLESS = re.compile(rf"[\w .,:;~+/=-]{{1,{_MAX_CHALLENGE_CHARACTERS}}}", re.ASCII)
"""Has no character that could begin an element or an entity, in case the answer is mistaken for HTML."""
_PLAIN_TEXT = b"text/plain; charset=utf-8"
_NO_SNIFFING = ((b"x-content-type-options", b"nosniff"),)

Challenge = Annotated[str, Meta(min_length=1, max_length=_MAX_CHALLENGE_CHARACTERS)]


class UrlVerification(msgspec.Struct):
    """A challenge with its type; Slack adds a `token`."""

    type: Literal["url_verification"]
    challenge: Challenge


class LoneChallenge(msgspec.Struct, forbid_unknown_fields=True):
    """A challenge and nothing else."""

    challenge: Challenge


_decode_verification = msgspec.json.Decoder(UrlVerification).decode
_decode_lone = msgspec.json.Decoder(LoneChallenge).decode


def is_handshake(submission: Submission, body: bytes, *, alone: bool = True) -> bool:
    """
    Return whether the body (a form already as JSON) is empty JSON or a challenge, and thus not an event.

    Without `alone`, only a challenge with its type counts, since anything else may be an event.
    """
    if submission.method in METHODS or _decode(_decode_verification, body) is not None:
        return True
    if not alone:
        return False
    if not body.strip():
        return _challenge_in_query(submission) is not None
    return _is_empty(body) or _decode(_decode_lone, body) is not None


def answer(submission: Submission, body: bytes) -> Answer:
    """
    Repeat the challenge: one in the body as JSON, one in the query as plain text, which no browser renders.

    Without a challenge, or with one that could be mistaken for markup, answer success.
    """
    challenge = _decode(_decode_verification, body) or _decode(_decode_lone, body)
    if challenge is not None:
        return Answer(200, objects.write({"challenge": challenge}))
    challenge = _challenge_in_query(submission)
    if challenge is not None:
        return Answer(200, challenge.encode(), _PLAIN_TEXT, _NO_SNIFFING)
    return SUCCESS


def _is_empty(body: bytes) -> bool:
    return len(body) <= _MAX_BODY_BYTES and b"".join(body.split()) in (b"{}", b"[]")


def _decode(decoder: Callable[[bytes], UrlVerification | LoneChallenge], body: bytes) -> str | None:
    if len(body) > _MAX_BODY_BYTES or b"challenge" not in body:
        return None
    try:
        return decoder(body).challenge
    except values.UNDECODABLE:
        return None


def _challenge_in_query(submission: Submission) -> str | None:
    """Return the first challenge in the query, if it is harmless."""
    try:
        parameters = submission.parameters
    except UnreadableBody:  # too many of them
        return None
    challenge = next((parameters[name] for name in _PARAMETERS if name in parameters), "")
    return challenge if _HARMLESS.fullmatch(challenge) else None


OPERATION = Operation(
    summary="Ask whether the address works",
    description="Nothing is stored. A `hub.challenge` in the query is repeated as plain text.",
    replies={200: Reply("It does.", [Success])},
)
