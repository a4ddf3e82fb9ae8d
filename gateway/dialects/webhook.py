"""
Events that other systems forward in the Segment spec: one object, an array, or {"batch": […]}.

MetaRouter's "Webhook Endpoint"; Segment's "Webhooks (Actions)" destination.
"""

from gateway.dialects import segment
from gateway.dialects.base import batch_refusal, plain_answer, query_key
from gateway.message import Contents
from gateway.operation import Operation
from gateway.submission import Submission

METHODS = ("POST",)
PATHS = {"/v1/webhook": "", "/v1/w": ""}
LIMITS = segment.LIMITS

answer = plain_answer
refuse = batch_refusal
validate = segment.validate


def write_key(submission: Submission) -> str | None:
    return query_key(submission) or segment.write_key(submission)


def decode(submission: Submission) -> Contents:
    contents = segment.decode_many(submission.body)
    # Segment's webhook destination passes deletions on; it retries what is refused for four hours.
    contents.ignores = "delete"
    if query_key(submission):
        # The address says whose events these are, whatever key the system before us used.
        contents.forget_keys()
    return contents


def describe(method: str, path: str) -> Operation:
    return segment.describe_many("What another system forwards; the key in the address comes first")
