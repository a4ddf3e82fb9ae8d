"""
Commanders Act's HTTP tracking API: an event of version 2.0 or 1.0, a batch, or one in an image's address.

https://doc.commandersact.com/features/sources/sources-catalog/http-tracking-api and its pixel.
"""

import msgspec

from gateway.dialects.commandersact import decoding, describing, keys
from gateway.dialects.shared import image
from gateway.dialects.shared.answers import SUCCESS, flat_refusal
from gateway.errors import BodyTooLarge, NotAnObject, Refusal, TryLater, UnreadableBody
from gateway.message import DecodedSubmission, Message
from gateway.outcome import Answer, Outcome
from gateway.sources import Limits
from gateway.submission import Submission

METHODS = ("POST", "GET", "HEAD")
PATHS = dict.fromkeys(("/events", "/events/batch", "/cdp/events", "/cdp/events/batch"), "")
_MAX_BODY_BYTES = 500 * 1024
LIMITS = Limits(max_event=32 * 1024, max_body=_MAX_BODY_BYTES, max_events=_MAX_BODY_BYTES)
"""The documentation limits a batch only by its bytes."""

write_key = keys.write_key
describe = describing.describe


def decode(submission: Submission) -> DecodedSubmission:
    if submission.method == "GET":
        image.check_length(submission)
        decoded = decoding.decode_query(submission.pairs)
    else:
        decoded = decoding.decode_body(submission.body, batch=submission.route.endswith("/batch"))
    decoded.site = keys.site(submission)
    return decoded


def validate(message: Message) -> None:
    """Accept every message: what is missing is in its warnings."""


def answer(submission: Submission, outcome: Outcome) -> Answer:
    if submission.method != "POST":
        return image.answer(submission, outcome)
    if outcome.refused:
        return _accept(outcome.refused[0].refusal)
    return SUCCESS


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    """Answer 200 except where the documentation says otherwise, since clients were promised that."""
    if submission.method != "POST":
        return image.refuse(submission, refusal)
    if isinstance(refusal, TryLater):
        return _with_code(flat_refusal(refusal, status=503), refusal)  # the documentation has no 429
    if isinstance(refusal, UnreadableBody | BodyTooLarge | NotAnObject):
        return _with_code(flat_refusal(refusal, status=400), refusal)
    return _accept(refusal)


def _accept(refusal: Refusal) -> Answer:
    return _with_code(SUCCESS, refusal)


def _with_code(answer: Answer, refusal: Refusal) -> Answer:
    error = (b"x-gateway-error", refusal.code.encode())
    return msgspec.structs.replace(answer, headers=(*answer.headers, error))
