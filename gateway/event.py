"""
The canonical event: one thing that happened, in the single shape that every sink receives.

Its fields, their order, its types, and the excerpts that readers decode are defined here.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.message import Message
from gateway.warnings import Warning

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]
TYPES: tuple[EventType, ...] = get_args(EventType)


class Origin(msgspec.Struct, rename="camel", omit_defaults=True):
    """The source, dialect and route by which an event arrived."""

    name: str
    """The source's name in gateway.toml."""
    dialect: str
    site_id: str = ""
    route: str = ""


class Event(msgspec.Struct, rename="camel", kw_only=True):
    """
    A canonical event, its fields in the order in which they are written.

    Instants are text in our format (see raw/timestamps.py); what the gateway does not interpret is `Raw`
    JSON as the client wrote it, without white space. Only text fields come before `properties`.
    """

    type: EventType
    message_id: str
    user_id: str | UnsetType = UNSET
    anonymous_id: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    previous_id: str | UnsetType = UNSET
    event: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    properties: Raw
    traits: Raw
    context: Raw
    integrations: Raw
    channel: str | UnsetType = UNSET
    timestamp: str
    original_timestamp: str | UnsetType = UNSET
    sent_at: str | UnsetType = UNSET
    received_at: str
    source: Origin
    warnings: list[Warning] | UnsetType = UNSET
    extras: dict[str, Raw] | UnsetType = UNSET
    native: Raw | UnsetType = UNSET


FIELDS = tuple(field.encode_name for field in msgspec.structs.fields(Event))

read = msgspec.json.Decoder(Event).decode

_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""Encode one normalized message as the line of its event, without the line end."""


def encode_block(messages: Sequence[Message]) -> bytes:
    """Encode normalized messages as the lines of their events, without the end of the last line."""
    if len(messages) == 1:
        return encode(messages[0])
    return _encoder.encode_lines(messages)[:-1]


class Subject(msgspec.Struct, rename="camel"):
    """An excerpt: the source, the type, the name and the ids of an event."""

    type: str
    message_id: str
    source: Origin
    event: str = ""
    user_id: str = ""
    anonymous_id: str = ""


read_subject = msgspec.json.Decoder(Subject).decode
