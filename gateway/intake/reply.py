"""Replies to submissions, the same on the short road and on the long one."""

import structlog

from gateway import metrics
from gateway.errors import OriginNotAllowed, Refusal
from gateway.intake import cors, refusals
from gateway.intake.endpoint import Endpoint
from gateway.outcome import Answer, Outcome, Refused, error
from gateway.submission import Submission

log = structlog.get_logger()

Reply = tuple[Answer, cors.Headers]
"""An answer of a dialect, and the headers that the gateway adds."""


def accept(endpoint: Endpoint, submission: Submission, outcome: Outcome) -> Reply:
    """Reply to a submission whose accepted events are durable."""
    _decide(outcome)
    if outcome.stored:
        endpoint.recent.accepted(submission, outcome)
    if outcome.refused:
        endpoint.recent.refused(endpoint, submission, outcome.refused)
    answer = endpoint.dialect.answer(submission, outcome)
    origin = submission.headers.get(b"origin")
    headers = [] if origin is None or outcome.origin_denied else cors.allow(origin)
    if outcome.stored:
        headers.append(endpoint.promise.header)
        headers += [(b"set-cookie", cookie) for cookie in outcome.cookies]
    return answer, headers


def refuse(endpoint: Endpoint, submission: Submission, refusal: Refusal, outcome: Outcome | None) -> Reply:
    """Reply to a submission that was refused as a whole, or whose events could not be made durable."""
    if outcome:
        refusal = refusal.concerning(_decide(outcome))
    else:
        metrics.RECEIVED.add(refusal.events)
    refusals.count(refusal, refusal.events)
    refused = [*(outcome.refused if outcome else ()), Refused(None, None, refusal.with_traceback(None))]
    endpoint.recent.refused(endpoint, submission, refused)
    answer = endpoint.dialect.refuse(submission, refusal)
    origin = None if isinstance(refusal, OriginNotAllowed) else submission.headers.get(b"origin")
    return answer, cors.allow(origin)


def _decide(outcome: Outcome) -> int:
    """Mark the events in flight as decided, and return their number."""
    events, outcome.in_flight = outcome.in_flight, 0
    metrics.IN_FLIGHT.now -= events
    return events


def fail(endpoint: Endpoint, submission: Submission, bug: Exception, outcome: Outcome | None) -> Reply:
    """Reply with 500 to a submission on which the gateway has failed. Log the first exception of a kind."""
    if outcome:
        events = _decide(outcome)
    else:
        events = 1
        metrics.RECEIVED.add(events)
    if refusals.refusals.count(refusals.BUG, events, f"{submission.route} {type(bug).__name__}"):
        log.error("bug", route=submission.route, exc_info=bug)
    endpoint.recent.failed(endpoint, submission, bug, events)
    return error(500), cors.allow(submission.headers.get(b"origin"))
