"""The rules that a message of the Segment family must satisfy before it can become an event."""

from gateway.errors import (
    MissingEvent,
    MissingGroupId,
    MissingId,
    MissingPreviousId,
    MissingType,
    UnknownType,
)
from gateway.event import TYPES
from gateway.message import Message


def validate(message: Message) -> None:
    """Raise the first Refusal that applies."""
    type = message.type
    if type == "track":
        if not (message.event or message.event_name):
            raise MissingEvent
    elif type == "group":
        if not message.group_id:
            raise MissingGroupId
    elif type == "alias":
        if not message.previous_id:
            raise MissingPreviousId
    elif type not in TYPES:
        if not type:
            raise MissingType
        raise UnknownType(f"$.type: {type[:50]!r}")
    if not (message.user_id or message.anonymous_id):
        raise MissingId
