"""The canonical event: one thing that happened, in the one shape every sink receives."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.message import Message, Warning

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})


class Origin(msgspec.Struct, rename="camel", omit_defaults=True):
    """Where an event came in."""

    name: str
    """The source's name in gateway.toml."""
    dialect: str
    site_id: str = ""
    route: str = ""


class Event(msgspec.Struct, rename="camel"):
    """
    The shape of a canonical line, for whoever reads one.

    Instants are texts in our format (see raw/timestamps.py); what the gateway does not interpret is
    `Raw` JSON as the client wrote it, without white space.
    """

    type: str
    message_id: str
    properties: Raw
    traits: Raw
    context: Raw
    integrations: Raw
    timestamp: str
    received_at: str
    source: Origin
    user_id: str | UnsetType = UNSET
    anonymous_id: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    previous_id: str | UnsetType = UNSET
    event: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    original_timestamp: str | UnsetType = UNSET
    sent_at: str | UnsetType = UNSET
    warnings: list[Warning] | UnsetType = UNSET
    extras: dict[str, Raw] | UnsetType = UNSET
    native: Raw | UnsetType = UNSET


read = msgspec.json.Decoder(Event).decode

_encode = msgspec.json.Encoder().encode


class Facts(msgspec.Struct, rename="camel", omit_defaults=True):
    """What the gateway knows of an event, beside what its client claims and when it came."""

    source: Origin
    warnings: list[Warning] = []
    extras: dict[str, Raw] = {}
    native: Raw | UnsetType = UNSET

    def encode(self) -> bytes:
        """As the end of a line, after the time of receiving."""
        return b'Z",' + _encode(self)[1:]


def ending(received: str, facts: bytes) -> bytes:
    """The end of a line: when the event was received (in our format), and the facts."""
    return b',"receivedAt":"' + received[:-1].encode() + facts


def with_native(end: bytes, native: Raw) -> bytes:
    """The end of a line, of whose event only `native` has to be noted besides."""
    return b'%b,"native":%b}' % (end[:-1], native)


def line(message: Message, end: bytes) -> bytes:
    """A settled message and its end as one line of JSON, without the line's end."""
    return _encode(message)[:-1] + end
