"""
Events that other systems forward in the Segment spec: one object, an array, or {"batch": […]}; or one object
of their own that says what makes it an event (see custom.py).

MetaRouter's "Webhook Endpoint"; Segment's "Webhooks (Actions)" destination, which sends POST, PUT or PATCH.
"""

from gateway.dialects.shared import messages, rules
from gateway.dialects.shared.answers import plain_answer, plain_refusal
from gateway.dialects.shared.describing import describe_many
from gateway.dialects.shared.keys import header_key, query_key
from gateway.dialects.webhook import custom, forms, handshake
from gateway.errors import Refusal
from gateway.message import DecodedSubmission
from gateway.operation import Operation
from gateway.outcome import Answer, Outcome
from gateway.submission import Submission

METHODS = ("POST", "PUT", "PATCH", *handshake.METHODS)
PATHS = {"/v1/webhook": "", "/v1/w": "", custom.PATH: "track"}
LIMITS = messages.LIMITS

validate = rules.validate


def write_key(submission: Submission) -> str | None:
    return query_key(submission) or header_key(submission)


def answer(submission: Submission, outcome: Outcome) -> Answer:
    if outcome.accepted or outcome.refused:
        return plain_answer(submission, outcome)
    return handshake.answer(submission, forms.to_json(submission))


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    return plain_refusal(submission, refusal, batch=not PATHS[submission.route])


def decode(submission: Submission) -> DecodedSubmission:
    single = submission.route == custom.PATH
    body = forms.to_json(submission)
    if handshake.is_handshake(submission, body, alone=not (single and custom.is_described(submission))):
        return DecodedSubmission([], is_handshake=True)
    decoded = custom.decode(submission, body) if single else messages.decode_many(body)
    # Segment's webhook destination passes deletions on; it retries what is refused for four hours.
    decoded.ignores = "delete"
    if query_key(submission):
        # The address says whose events these are, whatever key the system before us used.
        decoded.forget_keys()
    return decoded


def describe(method: str, path: str) -> Operation:
    if method in handshake.METHODS:
        return handshake.OPERATION
    if path == custom.PATH:
        return custom.OPERATION
    return describe_many("Events that another system forwards; the key in the address comes first")
