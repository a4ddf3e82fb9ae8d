"""Events in the address of an image: how long the address may be, and the image that answers it."""

from gateway.dialects.shared.answers import retry_headers
from gateway.dialects.shared.describing import DURABLE, RETRY
from gateway.errors import BodyTooLarge, RateLimited, Refusal, TryLater
from gateway.operation import Reply, header
from gateway.outcome import Answer, Outcome
from gateway.submission import Submission

MAX_URL_BYTES = 32 * 1024
"""The length of path and query."""

_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_HEADERS = (
    (b"cache-control", b"no-store, no-cache, must-revalidate, private"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
)


def check_length(submission: Submission) -> None:
    """Raise BodyTooLarge for an address that is too long."""
    if len(submission.route) + 1 + len(submission.query) > MAX_URL_BYTES:
        raise BodyTooLarge


def answer(submission: Submission, outcome: Outcome) -> Answer:
    return refuse(submission, outcome.refused[0].refusal) if outcome.refused else _image()


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    """
    Answer with the image, whatever the sender did wrong: visitors to the page would notice a broken one.

    If the gateway cannot store the event now, a proxy may still try another gateway.
    """
    error = ((b"x-gateway-error", refusal.code.encode()),)
    if isinstance(refusal, TryLater) and not isinstance(refusal, RateLimited):
        return Answer(503, b"", b"image/gif", (*_HEADERS, *error, *retry_headers(refusal)))
    return _image(error)


def _image(more: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(200, _GIF, b"image/gif", (*_HEADERS, *more))


_ERROR = {"X-Gateway-Error": header("The code of what was wrong; nothing was stored then.")}

REPLIES = {
    200: Reply("An image, whatever was wrong.", (), {**_ERROR, **DURABLE}, "image/gif"),
    503: Reply("The event cannot be stored now.", (), {**_ERROR, **RETRY}, "image/gif"),
}
