"""
Events that other systems forward in the Segment spec: one object, an array, or {"batch": […]}; or one object
of their own, with metadata that makes it an event (see custom.py).

MetaRouter's "Webhook Endpoint"; Segment's "Webhooks (Actions)" destination, which sends POST, PUT or PATCH.
"""

from collections.abc import Sequence
from functools import partial

from gateway.dialects.base import Decode
from gateway.dialects.shared import keys, messages, rules
from gateway.dialects.shared.answers import plain_answer, plain_refusal
from gateway.dialects.shared.describing import describe_many
from gateway.dialects.shared.keys import Place
from gateway.dialects.webhook import custom, forms, handshake, mapped
from gateway.errors import Refusal
from gateway.message import DecodedSubmission
from gateway.operation import Operation
from gateway.outcome import Answer, Outcome
from gateway.sources import Source
from gateway.submission import BODY_METHODS, Submission
from gateway.webhooks.signature import verify

METHODS = ("POST", "PUT", "PATCH", *handshake.METHODS)
PATHS = {"/v1/webhook": "", "/v1/w": "", custom.PATH: "track"}
LIMITS = messages.LIMITS

PLACES: tuple[Place, ...] = ("query", "event", "batch", "header", "basic", "login")
"""The address says whose events these are, whatever key the forwarding system used."""

validate = rules.validate
write_key = keys.finder(PLACES)


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
    decoded = custom.decode(submission, body, write_key(submission)) if single else messages.decode_many(body)
    # Segment's webhook destination forwards deletions; it retries refused requests for four hours.
    decoded.ignores = "delete"
    keys.drop_outranked(PLACES, submission, decoded)
    return decoded


def for_source(source: Source, max_events: int) -> Decode | None:
    """Decode by the source's table or, if it has only a secret, as requests signed by Segment itself."""
    if source.webhook:
        return partial(mapped.decode, source.webhook, source, max_events)
    return partial(_decode_signed, source.webhook_secrets) if source.webhook_secret else None


def _decode_signed(secrets: Sequence[str], submission: Submission) -> DecodedSubmission:
    if submission.method in BODY_METHODS:
        verify("segment", secrets, 0, submission)
    decoded = decode(submission)
    decoded.signed = True
    decoded.forget_keys()  # a signature for one source is none for any other
    return decoded


def describe(method: str, path: str) -> Operation:
    if method in handshake.METHODS:
        return handshake.OPERATION
    if path == custom.PATH:
        return custom.OPERATION
    return describe_many("Events that another system forwards; the key in the address comes first")
