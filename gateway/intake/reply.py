"""Replies to submissions, the same on the short road and on the long one."""

import structlog

from gateway.errors import OriginNotAllowed, Refusal
from gateway.intake import cors
from gateway.intake.account import count_refusal
from gateway.intake.endpoint import Endpoint
from gateway.outcome import Answer, Outcome, error
from gateway.submission import Submission

log = structlog.get_logger()

DURABLE = (b"x-durability", b"fsync")

Reply = tuple[Answer, cors.Headers]
"""An answer of a dialect, and the headers that the gateway adds."""


def accept(endpoint: Endpoint, submission: Submission, outcome: Outcome) -> Reply:
    """Reply to a submission that was read; whatever is to be stored of it is durable."""
    answer = endpoint.dialect.answer(submission, outcome)
    origin = submission.headers.get(b"origin")
    headers = cors.allow(None if origin and outcome.origin_denied else origin)
    if outcome.stored:
        headers.append(DURABLE)
        headers += [(b"set-cookie", cookie) for cookie in outcome.cookies]
    return answer, headers


def refuse(endpoint: Endpoint, submission: Submission, refusal: Refusal) -> Reply:
    """Count a refusal of a whole submission, and reply to it."""
    count_refusal(refusal, refusal.events)
    answer = endpoint.dialect.refuse(submission, refusal)
    origin = None if isinstance(refusal, OriginNotAllowed) else submission.headers.get(b"origin")
    return answer, cors.allow(origin)


def fail(submission: Submission, bug: Exception) -> Reply:
    """Log an exception that is no refusal, and reply that it is the gateway's fault."""
    log.error("bug", route=submission.route, exc_info=bug)
    return error(500), cors.allow(submission.headers.get(b"origin"))
