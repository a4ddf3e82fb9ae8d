"""From what a client claims to what we keep."""

import msgspec
from msgspec import UNSET, Raw

from gateway import metrics
from gateway.event import Facts, Origin, ending, line, with_native
from gateway.intake import uuid7
from gateway.intake.context import complete
from gateway.intake.times import resolve_times
from gateway.journal.chunk import CONSENT, INTEGRATIONS, PRODUCTS
from gateway.message import EMPTY, DecodedSubmission, Message
from gateway.raw.objects import OBJECT, require, write
from gateway.sources import Identity
from gateway.submission import Submission

_EMPTY_TEXT = bytes(EMPTY)
_PRODUCT = b'"product'  # as delivery/enrich.py looks for products
_ESCAPED = b"\\u00"


class Provenance(msgspec.Struct, frozen=True, gc=False):
    """What one source's events of one submission have in common."""

    origin: Origin
    device: bool
    """Whether the sender is a person's own device."""
    ending: bytes
    """How a line ends if there is nothing to note about its event."""
    truncate_ip: bool = False
    identity: Identity | None = None
    """How its sender is known, if the source wants that, for messages that do not say it."""


def normalize(
    message: Message, submission: Submission, decoded: DecodedSubmission, provenance: Provenance
) -> bytes:
    """
    Complete a valid message in place, and return it as the line of its canonical event.

    What had to be repaired or assumed is in the event's warnings. InvalidField if a part that must be an
    object is none.
    """
    if message.properties is UNSET:
        message.properties = EMPTY
    else:
        text = write(message.properties)
        if text[0] != OBJECT:
            message.properties = require("properties", message.properties, message.warn)
        elif text.find(_PRODUCT) > 0:
            decoded.carries |= PRODUCTS
    if message.traits is UNSET:
        message.traits = EMPTY
    elif write(message.traits)[0] != OBJECT:
        message.traits = require("traits", message.traits, message.warn)
    if message.integrations is UNSET:
        message.integrations = EMPTY
    else:
        text = write(message.integrations)
        if text[0] != OBJECT:
            message.integrations = require("integrations", message.integrations)
        elif text != _EMPTY_TEXT:
            decoded.carries |= INTEGRATIONS
    if message.context is UNSET:
        message.context = EMPTY
    text = write(message.context)
    if text[0] != OBJECT:
        message.context = require("context", message.context, message.warn)
    # Not `in`, which for bytes tries a number first and throws its error away.
    consent = text.find(b'"consent"') > 0
    if consent or text.find(_ESCAPED) > 0:  # a key may be written with escapes
        decoded.carries |= CONSENT
    if (
        provenance.device
        or provenance.truncate_ip
        or text.find(b'"direct"') > 0
        or (consent and not message.consent_is_canonical)
    ):
        message.context = complete(
            message.context, message, submission, provenance.device, provenance.truncate_ip
        )
    message.consent_is_canonical = False
    resolve_times(message, submission, decoded)
    if message.message_id is None:
        message.message_id = uuid7.generate(submission.received_at)
    if message.event_name is not None:
        message.event = message.event or message.event_name
        message.event_name = None
    message.write_key = None
    if message.extras or message.warnings or message.metadata is not UNSET or message.version:
        return line(message, ending(submission.received_text, _facts(message, provenance)))
    native = message.native
    if isinstance(native, Raw):
        message.native = UNSET
        return line(message, with_native(provenance.ending, native))
    return line(message, provenance.ending)


def _facts(message: Message, provenance: Provenance) -> bytes:
    """What there is to note about an event; it leaves the message."""
    extras, warnings, native = message.extras, message.warnings, message.native
    if message.metadata is not UNSET:
        extras["_metadata"] = message.metadata
    origin = provenance.origin
    if message.version:
        origin = msgspec.structs.replace(origin, dialect=f"{origin.dialect}.{message.version}")
    message.extras, message.warnings, message.native, message.metadata = {}, [], UNSET, UNSET
    message.version = ""
    for warning in warnings:
        metrics.REPAIRED.labels(warning.code).inc()
    return Facts(origin, warnings, extras, native).encode()
