"""
Events that other systems forward in the Segment spec: one object, an array, or {"batch": […]}; or one object
of their own that says what makes it an event (see custom.py).

MetaRouter's "Webhook Endpoint"; Segment's "Webhooks (Actions)" destination.
"""

from gateway.dialects import custom, segment
from gateway.dialects.base import plain_answer, plain_refusal, query_key
from gateway.errors import Refusal
from gateway.message import Contents
from gateway.operation import Operation
from gateway.outcome import Answer
from gateway.submission import Submission

METHODS = ("POST",)
PATHS = {"/v1/webhook": "", "/v1/w": "", custom.PATH: "track"}
LIMITS = segment.LIMITS

answer = plain_answer
validate = segment.validate


def write_key(submission: Submission) -> str | None:
    return query_key(submission) or segment.write_key(submission)


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    return plain_refusal(submission, refusal, batch=not PATHS[submission.route])


def decode(submission: Submission) -> Contents:
    single = submission.route == custom.PATH
    contents = custom.decode(submission) if single else segment.decode_many(submission.body)
    # Segment's webhook destination passes deletions on; it retries what is refused for four hours.
    contents.ignores = "delete"
    if query_key(submission):
        # The address says whose events these are, whatever key the system before us used.
        contents.forget_keys()
    return contents


def describe(method: str, path: str) -> Operation:
    if path == custom.PATH:
        return custom.OPERATION
    return segment.describe_many("What another system forwards; the key in the address comes first")
