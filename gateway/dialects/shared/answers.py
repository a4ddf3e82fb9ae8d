"""The answers that the Segment family of dialects gives."""

from collections.abc import Sequence
from http import HTTPStatus

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
from gateway.outcome import Answer, Failure, Outcome, Refused
from gateway.raw import truth
from gateway.submission import Submission

_encode = msgspec.json.Encoder().encode


class Success(msgspec.Struct):
    success: bool


class Rejection(msgspec.Struct):
    """One event of a batch that was not stored."""

    Error: str
    Message: str
    Details: str
    code: str
    Index: int | None
    """Its index in what was sent; null for all of it."""
    MessageId: str | None


class BatchResult(msgspec.Struct):
    """The result of a batch; `code` and `message` are those of the first error."""

    success: bool
    Success: bool
    Accepted: int
    Rejected: int
    Errors: list[Rejection]
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


SUCCESS = Answer(200, b'{"success": true}')


def plain_answer(submission: Submission, outcome: Outcome) -> Answer:
    """Answer one message with success or its error, several with a result; 207 if the client handles it."""
    if not outcome.batch:
        return flat_refusal(outcome.refused[0].refusal) if outcome.refused else SUCCESS
    rejected = len(outcome.refused)
    body = _batch_result(outcome.accepted, rejected, outcome.refused)
    if not rejected:
        return Answer(200, body)
    if not outcome.accepted:
        return Answer(400, body)
    strict = bool(truth.read_text(submission.header(b"x-strict-mode").strip()))
    agent = submission.header(b"user-agent")
    multi = takes_multi_status(outcome.multi_status, strict, agent, outcome.library)
    return Answer(207 if multi else 200, body)


def plain_refusal(submission: Submission, refusal: Refusal, *, batch: bool) -> Answer:
    """
    Answer a submission of which nothing was stored: a batch with a result, a sender that is not allowed to
    send with the flat error. A client that would resend the same submission for ever gets 400.
    """
    bearable = refusal.status not in FAILS_ON or takes(refusal.status, submission.header(b"user-agent"))
    status = refusal.status if bearable else 400
    if not batch or isinstance(refusal, UnknownWriteKey | SourceDisabled | OriginNotAllowed | BadSignature):
        return flat_refusal(refusal, status)
    body = _batch_result(0, refusal.events, [Refused(None, None, refusal)])
    return Answer(status, body, headers=retry_headers(refusal))


def flat_refusal(refusal: Refusal, status: int = 0) -> Answer:
    """Return the error of a single call; `status` is for a dialect that answers with another status."""
    phrase = HTTPStatus(status).phrase if status not in (0, refusal.status) else refusal.reason
    body = Failure(phrase, refusal.message, refusal.details, refusal.code, refusal.message)
    return Answer(status or refusal.status, _encode(body), headers=retry_headers(refusal))


def _batch_result(accepted: int, rejected: int, refused: Sequence[Refused]) -> bytes:
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
    result = BatchResult(not refused, not refused, accepted, rejected, rejections)
    if refused:
        result.code, result.message = rejections[0].code, rejections[0].Message
    return _encode(result)


def retry_headers(refusal: Refusal) -> tuple[tuple[bytes, bytes], ...]:
    """Say when to retry, in both spellings: analytics-next 1.73 to 1.83 reads only the second."""
    if not isinstance(refusal, TryLater):
        return ()
    seconds = str(refusal.retry_after).encode()
    return ((b"retry-after", seconds), (b"x-ratelimit-reset", seconds))
