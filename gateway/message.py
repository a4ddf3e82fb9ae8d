"""Messages: events as clients state them, in canonical terms but not yet validated."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from gateway.errors import Refusal
from gateway.warnings import Warning, WarningCode

EMPTY = Raw(b"{}")

Text = Annotated[str, Meta(min_length=1)] | None
Time = str | int | float | None
Object = (
    Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null", "array"], "maxItems": 0})] | UnsetType
)
"""PHP writes an empty object as an empty array."""


class Undecodable:
    """A type that no JSON value has, so that no client can set a field of this type."""


if TYPE_CHECKING:
    Own = Raw
    OwnFlag = bool
else:
    Own = OwnFlag = Annotated[Undecodable, Meta(extra_json_schema={"not": {}})]

_NEVER = 2**31
"""A length that nothing in an accepted body has: another way to keep clients out of a field."""


class Message(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """
    One event as stated, in the shape of Segment's spec, which most clients send: the Segment family decodes
    straight into it, and what does not fit takes the slow path (dialects/shared/slow_path.py).

    The first fields are those of the canonical event, in its order (event.py): intake/normalize.py completes
    a message in place, and it is encoded as it is, since building another struct costs a third more. The
    fields that the gateway adds have types that no JSON value fits; a client that sends one of their names
    takes the slow path, which puts it among the extras. What the gateway does not interpret stays undecoded.
    """

    type: str | None = None
    message_id: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    user_id: Text = None
    anonymous_id: Text = None
    group_id: Text = None
    previous_id: Text = None
    event: Text = None
    name: Text = None
    category: Text = None
    properties: Object = UNSET
    traits: Object = UNSET
    context: Object = UNSET
    integrations: Object = UNSET
    channel: Text = None
    timestamp: Time = None
    original_timestamp: Time = None
    sent_at: Time = None

    # Added by the gateway.
    received_at: Annotated[str, Meta(min_length=_NEVER)] = ""
    source: Own | UnsetType = UNSET
    """An event.Origin as JSON."""
    warnings: Annotated[list[Warning], Meta(min_length=_NEVER)] = []
    extras: Annotated[dict[str, Raw], Meta(min_length=_NEVER)] = {}
    """Fields that no dialect knows, verbatim."""
    native: Own | UnsetType = UNSET
    """Parts of the original that the canonical fields cannot express."""

    # Not part of the event: intake/normalize.py resets these to their defaults, which are not written.
    event_name: Text = None
    """MetaRouter's documentation calls `event` this in a table, but `event` in every example."""
    write_key: Text = None
    """Set only if the message has its own key, which then outranks the submission's."""
    metadata: Object = msgspec.field(default=UNSET, name="_metadata")
    """Unknown to the gateway, but sent with every event by the most widely used clients."""
    version: Annotated[str, Meta(min_length=_NEVER)] = ""
    """The version of its dialect, if not the most common one."""
    consent_is_canonical: OwnFlag = False
    """True if the gateway itself wrote the consent in the context, so that it need not be checked."""

    def warn(self, code: WarningCode, field: str, detail: str = "") -> None:
        """Add a warning; if there are too many, only the first are kept."""
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(Warning(code, field[:_MAX_CHARACTERS], detail[:_MAX_CHARACTERS]))


_MAX_WARNINGS = 20
_MAX_CHARACTERS = 100

ADDED = ("receivedAt", "source", "warnings", "extras", "native", "version", "consentIsCanonical")
"""Names of the fields of a Message that no client can set."""


class Rejected(msgspec.Struct, frozen=True):
    """An entry of a batch that cannot be read as a message; it keeps its index, so that its neighbours do."""

    refusal: Refusal
    message_id: str | None = None


class DecodedSubmission(msgspec.Struct):
    """The messages that a dialect found in a submission."""

    messages: Sequence[Message | Rejected]
    batch: bool = False
    """True if the client is answered event by event."""
    measure: Callable[[int], int] | None = None
    """
    Returns the size in bytes of the message at an index of a batch, as it was sent, with the context that it
    inherits. Without this function the canonical event is measured, which is a little larger.
    """
    write_key: str | None = None
    """The envelope's value, for messages without their own; likewise the next two."""
    sent_at: Time = None
    timestamp: Time = None
    """Only for a message without a time of its own; its `sentAt` does not count as one."""
    site: str | None = None
    """The site that the sender names; None if its dialect has no sites."""
    signed: bool = False
    """True if the sender has proved that it knows the secret of its source."""
    carries: int = 0
    """Flags of the optional parts that its events may have; see journal/chunk.py."""
    ignores: str = ""
    """A type that is answered as accepted but not stored."""
    is_handshake: bool = False
    """True if the submission deliberately holds no events: it succeeds although nothing is stored."""

    def forget_keys(self) -> None:
        """Ignore all keys in the body: the sender has said elsewhere whose events these are."""
        self.write_key = None
        for message in self.messages:
            if isinstance(message, Message):
                message.write_key = None
