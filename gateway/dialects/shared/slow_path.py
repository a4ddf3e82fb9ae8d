"""
The Segment family's slow road, message by message, for what the fast decoder does not take.

An unknown field, a number where a text is usual, a NaN, half an emoji, one entry that is no object: each
is dealt with here, so that it costs its own message at most, and usually nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from gateway.errors import InvalidField, MessageIdTooLong, NotAnObject, Refusal
from gateway.message import Message, Rejected
from gateway.raw import objects, values
from gateway.raw.repair import Repair


def read_message(entry: bytes | Raw, repairs: Sequence[Repair] = (), prefix: int = 0) -> Message | Rejected:
    """
    One message, with all that is unusual about it; `repairs` are those made in it, their paths counted
    from `prefix` steps above.
    """
    try:
        given = objects.read(entry)
    except msgspec.ValidationError:
        return Rejected(NotAnObject())
    except UnicodeDecodeError:
        return Rejected(InvalidField("a field's name is not UTF-8"))
    found = Message()
    try:
        bytes(entry).decode()
        for name, value in given.items():
            _take(found, name, value)
        for made in repairs:
            warn_of_repair(found, made, prefix)
    except UnicodeDecodeError as error:
        return Rejected(InvalidField(f"not UTF-8 at byte {error.start}"), _name(given))
    except Refusal as refusal:
        return Rejected(refusal, _name(given))
    return found


def _take(found: Message, name: str, value: Raw) -> None:
    attribute, read = _READERS.get(name) or (None, None)
    if attribute and read:
        try:
            setattr(found, attribute, read(value))
        except values.UNDECODABLE as error:
            raise InvalidField(str(error).partition(" - at")[0], field=name) from error
    elif name in _ALIASES:
        _take(found, _ALIASES[name], value)
    elif is_write_key(name):
        _take(found, "writeKey", value)  # else it would be an unknown field, which reaches the sinks
    elif name == "_metadata":
        found.metadata = value
    else:
        found.extras[name] = value


def is_write_key(name: str) -> bool:
    """Whether a field is one, however it is spelled."""
    return name.replace("_", "").lower() == "writekey"


def warn_of_repair(found: Message, made: Repair, prefix: int) -> None:
    """Warn of a repair, or raise the InvalidField that it amounts to."""
    field = ".".join(map(str, made.path[prefix:]))
    if made.code == "too_deep":
        raise InvalidField(f"$.{field[:100]}: nested too deep")
    found.warn(made.code, field, made.detail)


def _name(given: dict[str, Raw]) -> str | None:
    """The messageId of a message that is refused, for its error."""
    try:
        return values.label(given["messageId"])
    except (KeyError, *values.UNDECODABLE):
        return None


def _message_id(value: Raw) -> str | None:
    name = values.label(value)
    if name and len(name) > _LONGEST_ID:
        raise MessageIdTooLong
    return name


def _word(value: Raw) -> str | None:
    """A text that will be looked up; what is none will not be found."""
    try:
        return values.text(value)
    except msgspec.ValidationError:
        return bytes(value).decode()


def _same(value: Raw) -> Raw:
    return value


_LONGEST_ID = 100  # characters
_READERS: dict[str, tuple[str, Callable[[Raw], Any]]] = {
    "type": ("type", _word),
    "messageId": ("message_id", _message_id),
    "userId": ("user_id", values.label),
    "anonymousId": ("anonymous_id", values.label),
    "groupId": ("group_id", values.label),
    "previousId": ("previous_id", values.label),
    "event": ("event", values.text),
    "eventName": ("event_name", values.text),
    "name": ("name", values.label),
    "category": ("category", values.label),
    "properties": ("properties", _same),
    "traits": ("traits", _same),
    "context": ("context", _same),
    "integrations": ("integrations", _same),
    "channel": ("channel", values.label),
    "timestamp": ("timestamp", values.instant),
    "originalTimestamp": ("original_timestamp", values.instant),
    "sentAt": ("sent_at", values.instant),
    "writeKey": ("write_key", _word),
}
# MetaRouter's prose says userID and anonymousID where its tables say userId.
_ALIASES = {"userID": "userId", "anonymousID": "anonymousId"}
