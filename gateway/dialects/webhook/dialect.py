"""
Events that other systems forward in the Segment spec: one object, an array, or {"batch": […]}; or one object
of their own that says what makes it an event (see custom.py).

MetaRouter's "Webhook Endpoint"; Segment's "Webhooks (Actions)" destination.
"""

from gateway.dialects.shared import keys, messages, rules
from gateway.dialects.shared.answers import plain_answer, plain_refusal
from gateway.dialects.shared.describing import describe_many
from gateway.dialects.shared.keys import Place
from gateway.dialects.webhook import custom
from gateway.errors import Refusal
from gateway.message import DecodedSubmission
from gateway.operation import Operation
from gateway.outcome import Answer
from gateway.submission import Submission

METHODS = ("POST",)
PATHS = {"/v1/webhook": "", "/v1/w": "", custom.PATH: "track"}
LIMITS = messages.LIMITS
PLACES: tuple[Place, ...] = ("query", "event", "batch", "header", "basic", "login")
"""The address says whose events these are, whatever key the system before us used."""

answer = plain_answer
validate = rules.validate
write_key = keys.finder(PLACES)


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    return plain_refusal(submission, refusal, batch=not PATHS[submission.route])


def decode(submission: Submission) -> DecodedSubmission:
    single = submission.route == custom.PATH
    decoded = custom.decode(submission) if single else messages.decode_many(submission.body)
    # Segment's webhook destination passes deletions on; it retries what is refused for four hours.
    decoded.ignores = "delete"
    keys.drop_outranked(PLACES, submission, decoded)
    return decoded


def describe(method: str, path: str) -> Operation:
    if path == custom.PATH:
        return custom.OPERATION
    return describe_many("What another system forwards; the key in the address comes first")
