"""What a dialect module offers, and the answers that the Segment family shares."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from gateway.clients import FAILS_ON, takes, takes_multi_status
from gateway.errors import (
    BadSignature,
    OriginNotAllowed,
    Refusal,
    SourceDisabled,
    TryLater,
    UnknownWriteKey,
)
from gateway.message import Contents, Message
from gateway.operation import Fragment, Operation, Reply, header
from gateway.outcome import Answer, Failure, Outcome, Refused
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

    def describe(self, method: str, path: str, /) -> Operation:
        """Say what one of the routes takes, and every answer that the two above can give there."""


class Success(msgspec.Struct):
    success: bool


class Rejection(msgspec.Struct):
    """One event of a batch that was not stored."""

    Error: str
    Message: str
    Details: str
    code: str
    Index: int | None
    """Its place in what was sent; null for all of it."""
    MessageId: str | None


class Account(msgspec.Struct):
    """What became of a batch; `code` and `message` are those of the first error."""

    success: bool
    Success: bool
    Accepted: int
    Rejected: int
    Errors: list[Rejection]
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


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


def plain_refusal(submission: Submission, refusal: Refusal, *, batch: bool) -> Answer:
    """
    The answer where nothing was stored: to a batch an account of it, but to whoever may not send, the flat
    error. A client that would send the same again and again gets 400.
    """
    bearable = refusal.status not in FAILS_ON or takes(refusal.status, submission.header(b"user-agent"))
    status = refusal.status if bearable else 400
    if not batch or isinstance(refusal, UnknownWriteKey | SourceDisabled | OriginNotAllowed | BadSignature):
        return flat_refusal(refusal, status)
    body = _account(0, refusal.events, [Refused(None, None, refusal)])
    return Answer(status, body, headers=retry_headers(refusal))


def flat_refusal(refusal: Refusal, status: int = 0) -> Answer:
    """The error of a single call; `status` is for a dialect that has another one."""
    phrase = HTTPStatus(status).phrase if status not in (0, refusal.status) else refusal.reason
    body = Failure(phrase, refusal.message, refusal.details, refusal.code, refusal.message)
    return Answer(status or refusal.status, _encode(body), headers=retry_headers(refusal))


def _account(accepted: int, rejected: int, refused: Sequence[Refused]) -> bytes:
    rejections = [
        Rejection(
            one.refusal.reason,
            one.refusal.message,
            one.refusal.details,
            one.refusal.code,
            one.place,
            one.message_id,
        )
        for one in refused
    ]
    account = Account(not refused, not refused, accepted, rejected, rejections)
    if refused:
        account.code, account.message = rejections[0].code, rejections[0].Message
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


RETRY: Fragment = {
    "Retry-After": header("Seconds after which to come back.", "integer", always=True),
    "X-RateLimit-Reset": header("The same.", "integer", always=True),
}
DURABLE: Fragment = {"X-Durability": header("`fsync` if events were stored: they are on stable storage.")}

# Where a client can put its key, beside the body.
HEADER_KEYS: Fragment = {
    "header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key is the user; no password."},
}
QUERY_KEY: Fragment = {"query": {"type": "apiKey", "in": "query", "name": "writeKey"}}

PLAIN_REPLIES = {
    200: Reply("The event is stored.", [Success], DURABLE),
    400: Reply("It was refused; `code` says why.", [Failure]),
    413: Reply("It is too large.", [Failure]),
    503: Reply("It cannot be stored now; nothing was.", [Failure], RETRY),
}
"""Of plain_answer and plain_refusal, to one event."""

BATCH_REPLIES = {
    200: Reply(
        "All events are stored; or some, for a client that cannot bear a 207. A single event has no account.",
        [Account, Success],
        DURABLE,
    ),
    207: Reply("Some are stored, those in `Errors` are not.", [Account], DURABLE),
    400: Reply("None is stored.", [Account, Failure]),
    413: Reply("The body, or a single event, is too large.", [Account, Failure]),
    503: Reply("They cannot be stored now; none was.", [Account, Failure], RETRY),
}
"""Of plain_answer and plain_refusal, to several."""

STRICT: Fragment = {
    "name": "X-Strict-Mode",
    "in": "header",
    "description": "`1` asks for a 207 where some clients would get a 200.",
    "schema": {"type": "string"},
}
