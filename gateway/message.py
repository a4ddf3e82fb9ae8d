"""What a client claims happened, in our words but not yet checked or stamped."""

import secrets
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from gateway.errors import Refusal

EMPTY = Raw(b"{}")

Text = Annotated[str, Meta(min_length=1)] | None
Time = str | int | float | None
Object = (
    Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null", "array"], "maxItems": 0})] | UnsetType
)
"""PHP writes an empty object as an empty array."""

OURS = secrets.token_hex(8)
"""Begins the wire names of what is no client's to say; nobody can guess them."""


class Warning(msgspec.Struct, frozen=True):
    """What was repaired or assumed in an event that was accepted all the same."""

    code: str
    field: str
    detail: str = ""


class Message(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """
    One claim, in the shape of Segment's spec, which is also how most clients send it: the Segment
    family decodes straight into it, and what does not fit takes the careful road (see careful.py).

    The first fields are the canonical event's, in its order: intake/normalize.py completes a message in
    place and writes it as it stands, since building another struct would cost a third more.
    What the gateway does not interpret stays undecoded.
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

    event_name: Text = None
    """MetaRouter's documents name `event` so in a table, and `event` in every example."""
    write_key: Text = None
    """Only if the message names its own; it then outranks the submission's."""
    metadata: Object = msgspec.field(default=UNSET, name="_metadata")
    """An unknown field to us, but sent with every event by the most used clients."""

    # The dialect's own notes, which leave the message before it is written.
    warnings: list[Warning] = msgspec.field(default_factory=list, name=f"{OURS}warnings")
    extras: dict[str, Raw] = msgspec.field(default_factory=dict, name=f"{OURS}extras")
    """Fields that no dialect knows, verbatim."""
    native: Object = msgspec.field(default=UNSET, name=f"{OURS}native")
    """What the mapping to our words could not reverse."""
    version: str = msgspec.field(default="", name=f"{OURS}version")
    """Which version of its dialect it speaks, where that is not the usual one."""
    consent_is_canonical: bool = msgspec.field(default=False, name=f"{OURS}consent")
    """Whether the consent in its context was written by us, so that nobody has to look at it."""

    def warn(self, code: str, field: str, detail: str = "") -> None:
        """Note a repair; of a flood of them only the first are kept."""
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(Warning(code, field[:_LONGEST], detail[:_LONGEST]))


_MOST_WARNINGS = 20
_LONGEST = 100  # characters


class Rejected(msgspec.Struct, frozen=True):
    """An entry of a batch that is no message at all; it keeps its place, so that neighbours do."""

    refusal: Refusal
    message_id: str | None = None


class DecodedSubmission(msgspec.Struct):
    """What a dialect found in a submission."""

    messages: Sequence[Message | Rejected]
    batch: bool = False
    """Whether the client is to be answered event by event."""
    measure: Callable[[int], int] = lambda place: 0
    """How many bytes the message at a place has as it was sent, with what it inherits of context."""
    write_key: str | None = None
    """What the body says once for all messages that do not say it themselves; as are the next two."""
    sent_at: Time = None
    timestamp: Time = None
    """Only for a message without any time of its own; its `sentAt` is none."""
    site: str | None = None
    """The site that the sender names; None if its dialect has no sites."""
    signed: bool = False
    """Whether the sender has proved to be the one whose secret the source knows."""
    carries: int = 0
    """What its events carry that some sink may have to look at; see journal/chunk.py."""
    ignores: str = ""
    """A type that is answered as accepted and goes nowhere."""
    is_handshake: bool = False
    """Whether it holds no events by intention, so that it is a success although nothing is stored."""

    def forget_keys(self) -> None:
        """Let no key count that stands in the body: the sender has said elsewhere whose events these are."""
        self.write_key = None
        for message in self.messages:
            if isinstance(message, Message):
                message.write_key = None
