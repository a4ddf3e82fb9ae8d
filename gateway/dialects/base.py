"""What a dialect module offers, and the answers that the Segment family shares."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from gateway.clients import takes_multi_status
from gateway.errors import (
    BadSignature,
    OriginNotAllowed,
    Refusal,
    SourceDisabled,
    TryLater,
    UnknownWriteKey,
)
from gateway.message import Contents, Message
from gateway.outcome import Answer, Outcome, Refused
from gateway.sources import Limits
from gateway.submission import Submission

_encode = msgspec.json.Encoder().encode


class Dialect(Protocol):
    """Pure functions that know no clock, configuration or I/O."""

    @property
    def METHODS(self) -> Sequence[str]:
        """The HTTP methods that carry events."""

    @property
    def PATHS(self) -> Mapping[str, str]:
        """Each path, as the documents spell it, with the type that it gives its event, or ""."""

    @property
    def LIMITS(self) -> Limits: ...

    def write_key(self, submission: Submission, /) -> str | None:
        """Find the key where this dialect's clients put it, outside the body."""

    def decode(self, submission: Submission, /) -> Contents:
        """Read the body, or raise UnreadableBody; one bad message never costs its neighbours."""

    def validate(self, message: Message, /) -> None:
        """Raise the first Refusal that this dialect's rules have for a message."""

    def answer(self, submission: Submission, outcome: Outcome, /) -> Answer:
        """Reply to a submission that was read."""

    def refuse(self, submission: Submission, refusal: Refusal, /) -> Answer:
        """Reply to a submission that was refused as a whole, or could not be stored now."""


SUCCESS = Answer(200, b'{"success": true}')


def plain_answer(submission: Submission, outcome: Outcome) -> Answer:
    """One message: success or its error. Several: an account of each, 207 where the client takes it."""
    if not outcome.batch:
        return flat_refusal(outcome.refused[0].refusal) if outcome.refused else SUCCESS
    rejected = len(outcome.refused)
    body = _account(outcome.accepted, rejected, outcome.refused)
    if not rejected:
        return Answer(200, body)
    if not outcome.accepted:
        return Answer(400, body)
    strict = submission.headers.get(b"x-strict-mode") == b"1"
    agent = submission.header(b"user-agent")
    multi = takes_multi_status(outcome.multi_status, strict, agent, outcome.library)
    return Answer(207 if multi else 200, body)


def batch_refusal(refusal: Refusal) -> Answer:
    """The answer to a batch of which nothing was stored; who may not send gets the flat error."""
    if isinstance(refusal, UnknownWriteKey | SourceDisabled | OriginNotAllowed | BadSignature):
        return flat_refusal(refusal)
    body = _account(0, refusal.events, [Refused(None, None, refusal)])
    return Answer(refusal.status, body, headers=retry_headers(refusal))


def flat_refusal(refusal: Refusal, status: int = 0) -> Answer:
    """The error of a single call: `Error`, `Message`, `Details` as documented by MetaRouter, and the
    `code` and `message` without which segment-analytics-python 2.3 retries a 400 ten times. `status` is
    for a dialect that has another one."""
    body = {
        "Error": HTTPStatus(status).phrase if status else refusal.reason,
        "Message": refusal.message,
        "Details": refusal.details,
        "code": refusal.code,
        "message": refusal.message,
    }
    return Answer(status or refusal.status, _encode(body), headers=retry_headers(refusal))


def _account(accepted: int, rejected: int, refused: Sequence[Refused]) -> bytes:
    account: dict[str, Any] = {
        "success": not refused,
        "Success": not refused,
        "Accepted": accepted,
        "Rejected": rejected,
        "Errors": [
            {
                "Error": one.refusal.reason,
                "Message": one.refusal.message,
                "Details": one.refusal.details,
                "code": one.refusal.code,
                "Index": one.place,
                "MessageId": one.message_id,
            }
            for one in refused
        ],
    }
    if refused:
        account["code"] = refused[0].refusal.code
        account["message"] = refused[0].refusal.message
    return _encode(account)


def retry_headers(refusal: Refusal) -> tuple[tuple[bytes, bytes], ...]:
    """When to come back, in both spellings: analytics-next 1.73 to 1.83 reads only the second."""
    if not isinstance(refusal, TryLater):
        return ()
    seconds = str(refusal.retry_after).encode()
    return ((b"retry-after", seconds), (b"x-ratelimit-reset", seconds))


def header_key(submission: Submission) -> str | None:
    """A key in X-Write-Key or in Authorization: Basic (with or without colon and padding)."""
    if key := submission.headers.get(b"x-write-key"):
        return key.decode("utf-8", "replace")
    scheme, _, credentials = submission.headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    credentials = credentials.strip()
    try:
        pair = base64.b64decode(credentials + b"=" * (-len(credentials) % 4))
    except binascii.Error:
        return None
    return pair.partition(b":")[0].decode("utf-8", "replace") or None


def query_key(submission: Submission) -> str | None:
    """A key in the query: `writeKey`, or `writekey` as some senders spell it."""
    if not submission.query:
        return None
    parameters = submission.parameters
    return parameters.get("writeKey") or parameters.get("writekey") or None
