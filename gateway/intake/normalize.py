"""Turn what a client claims into what the gateway stores."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.event import Origin
from gateway.intake import uuid7
from gateway.intake.context import complete
from gateway.intake.permissions import check_integrations
from gateway.intake.times import resolve_times
from gateway.journal.chunk import CONSENT, INTEGRATIONS, PRODUCTS
from gateway.message import EMPTY, DecodedSubmission, Message
from gateway.raw.objects import OBJECT, require, write
from gateway.submission import Submission

_EMPTY_TEXT = bytes(EMPTY)
_PRODUCT = b'"product'  # as delivery/enrich.py looks for products


class Provenance(msgspec.Struct, frozen=True, gc=False):
    """The origin of the events of one key, which the gateway adds to them."""

    origin: Origin
    source: Raw
    """The same as JSON."""
    device: bool = False
    """True if the sender is a person's own device."""
    truncate_ip: bool = False

    @classmethod
    def of(cls, origin: Origin, *, device: bool = False, truncate_ip: bool = False) -> "Provenance":
        return cls(origin, Raw(write(origin)), device, truncate_ip)


class _Context(msgspec.Struct, gc=False):
    """The fields of a context that the gateway reads in every event."""

    direct: Raw | UnsetType = UNSET
    consent: Raw | UnsetType = UNSET


_read_context = msgspec.json.Decoder(_Context).decode


def normalize(
    message: Message, submission: Submission, decoded: DecodedSubmission, provenance: Provenance
) -> None:
    """
    Complete a valid message in place, so that event.encode writes the line of its canonical event.

    What had to be repaired or assumed is in the event's warnings; what the event carries is added to
    `decoded.carries`. Raises InvalidField if a part that must be an object is none.
    """
    # Written out four times, since a loop takes twice as long.
    value = message.properties
    if value is UNSET:
        message.properties = EMPTY
    else:
        text = write(value)
        if text[0] != OBJECT:
            message.properties = require("properties", value, message.warn)
        # Not `in`, which for bytes tries an integer first and drops its error; nor `find`, which is slower.
        elif text.rfind(_PRODUCT) > 0:
            decoded.carries |= PRODUCTS
    value = message.traits
    if value is UNSET:
        message.traits = EMPTY
    elif write(value)[0] != OBJECT:
        message.traits = require("traits", value, message.warn)
    value = message.integrations
    if value is UNSET:
        message.integrations = EMPTY
    elif write(value) != _EMPTY_TEXT:
        message.integrations = check_integrations(message, value)
        if write(message.integrations) != _EMPTY_TEXT:
            decoded.carries |= INTEGRATIONS
    value = message.context
    if value is UNSET:
        value = message.context = EMPTY
    try:
        context = _read_context(value)
    except msgspec.ValidationError:
        value = message.context = require("context", value, message.warn)
        context = _read_context(value)
    if context.consent is not UNSET:
        decoded.carries |= CONSENT
    if (
        provenance.device
        or provenance.truncate_ip
        or context.direct is not UNSET
        or (context.consent is not UNSET and not message.consent_is_canonical)
    ):
        message.context = complete(value, message, submission, provenance.device, provenance.truncate_ip)
    message.consent_is_canonical = False
    resolve_times(message, submission, decoded)
    if message.message_id is None:
        message.message_id = uuid7.generate(submission.received_at)
    if message.event_name is not None:
        message.event = message.event or message.event_name
        message.event_name = None
    message.write_key = None
    message.received_at = submission.received_text
    message.source = provenance.source
    if message.metadata is not UNSET or message.version:
        _move(message, provenance.origin)


def _move(message: Message, origin: Origin) -> None:
    """Move the values of fields that a canonical event does not have to where it keeps them."""
    if not isinstance(message.metadata, UnsetType):
        message.extras["_metadata"] = message.metadata
        message.metadata = UNSET
    if message.version:
        versioned = msgspec.structs.replace(origin, dialect=f"{origin.dialect}.{message.version}")
        message.source = Raw(write(versioned))
        message.version = ""
