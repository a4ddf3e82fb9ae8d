"""From what a client claims to what we keep."""

import msgspec
from msgspec import UNSET, Raw

from gateway import metrics
from gateway.event import Facts, Origin, ending, line, with_native
from gateway.intake import ids
from gateway.intake.context import complete
from gateway.intake.times import settle
from gateway.journal.chunk import CONSENT, INTEGRATIONS, PRODUCTS
from gateway.message import EMPTY, Contents, Message
from gateway.objects import OBJECT, require, write
from gateway.sources import Identity
from gateway.submission import Submission

_EMPTY_TEXT = bytes(EMPTY)
_PRODUCT = b'"product'  # as delivery/enrich.py looks for products
_ESCAPED = b"\\u00"


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """What one source's events of one submission have in common."""

    origin: Origin
    device: bool
    """Whether the sender is a person's own device."""
    ending: bytes
    """How a line ends if there is nothing to note about its event."""
    truncate_ip: bool = False
    identity: Identity | None = None
    """How its sender is known, if the source wants that, for messages that do not say it."""


def normalize(message: Message, submission: Submission, contents: Contents, stamp: Stamp) -> bytes:
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
            message.properties = require("properties", message.properties)
        elif text.find(_PRODUCT) > 0:
            contents.carries |= PRODUCTS
    if message.traits is UNSET:
        message.traits = EMPTY
    elif write(message.traits)[0] != OBJECT:
        message.traits = require("traits", message.traits)
    if message.integrations is UNSET:
        message.integrations = EMPTY
    else:
        text = write(message.integrations)
        if text[0] != OBJECT:
            message.integrations = require("integrations", message.integrations)
        elif text != _EMPTY_TEXT:
            contents.carries |= INTEGRATIONS
    if message.context is UNSET:
        message.context = EMPTY
    text = write(message.context)
    if text[0] != OBJECT:
        message.context = require("context", message.context)
    # Not `in`, which for bytes tries a number first and throws its error away.
    consent = text.find(b'"consent"') > 0
    if consent or text.find(_ESCAPED) > 0:  # a key may be written with escapes
        contents.carries |= CONSENT
    if (
        stamp.device
        or stamp.truncate_ip
        or text.find(b'"direct"') > 0
        or (consent and not message.has_our_consent)
    ):
        message.context = complete(message.context, message, submission, stamp.device, stamp.truncate_ip)
    message.has_our_consent = False
    settle(message, submission, contents)
    if message.message_id is None:
        message.message_id = ids.generate(submission.received_at)
    if message.event_name is not None:
        message.event = message.event or message.event_name
        message.event_name = None
    message.write_key = None
    if message.extras or message.warnings or message.metadata is not UNSET or message.version:
        return line(message, ending(submission.received_text, _facts(message, stamp)))
    native = message.native
    if isinstance(native, Raw):
        message.native = UNSET
        return line(message, with_native(stamp.ending, native))
    return line(message, stamp.ending)


def _facts(message: Message, stamp: Stamp) -> bytes:
    """What there is to note about an event; it leaves the message."""
    extras, warnings, native = message.extras, message.warnings, message.native
    if message.metadata is not UNSET:
        extras["_metadata"] = message.metadata
    origin = stamp.origin
    if message.version:
        origin = msgspec.structs.replace(origin, dialect=f"{origin.dialect}.{message.version}")
    message.extras, message.warnings, message.native, message.metadata = {}, [], UNSET, UNSET
    message.version = ""
    for warning in warnings:
        metrics.REPAIRED.labels(warning.code).inc()
    return Facts(origin, warnings, extras, native).encode()
