"""
The Segment spec over HTTP, as Segment, MetaRouter and RudderStack accept it: one event, or a batch.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from gateway.dialects.shared import keys, messages, rules
from gateway.dialects.shared.answers import plain_answer, plain_refusal
from gateway.dialects.shared.describing import describe_many, describe_one
from gateway.errors import Refusal
from gateway.event import TYPES
from gateway.message import DecodedSubmission
from gateway.operation import Operation
from gateway.outcome import Answer
from gateway.submission import Submission

METHODS = ("POST",)
PATHS = {
    **{f"/v1/{path}": type for type in TYPES for path in (type, type[0])},
    **dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import"), ""),
    **dict.fromkeys(("/beacon/v1/batch", "/beacon/batch"), ""),
}
LIMITS = messages.LIMITS

answer = plain_answer
validate = rules.validate
write_key = keys.finder(keys.PLACES)


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    return plain_refusal(submission, refusal, batch=not PATHS[submission.route])


def decode(submission: Submission) -> DecodedSubmission:
    type = PATHS[submission.route]
    return messages.decode_one(submission.body, type) if type else messages.decode_many(submission.body)


def describe(method: str, path: str) -> Operation:
    if type := PATHS[path]:
        return describe_one(type)
    return describe_many("Several events: a batch, a bare array, or one event")
