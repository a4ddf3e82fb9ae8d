"""
The Segment family's slow road, message by message, for what the fast decoder does not take.

An unknown field, a number where a text is usual, a NaN, half an emoji, one entry that is no object: each
is dealt with here, so that it costs its own message at most, and usually nothing.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from gateway import objects
from gateway.errors import InvalidField, MessageIdTooLong, NotAnObject, Refusal, UnreadableBody
from gateway.message import Message, Unusable
from gateway.repair import Repair, repair

_list = msgspec.json.Decoder(list[Raw]).decode

# What the three families of exceptions mean that msgspec 0.22 raises for bad input.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def entries(array: bytes | Raw) -> list[Raw]:
    """The entries of an array; msgspec.ValidationError if it is none."""
    return _list(array)


def readable(body: bytes) -> tuple[bytes, list[Repair]]:
    """A body that some decoder will take apart, repaired where needed, else UnreadableBody."""
    try:
        return msgspec.json.format(body, indent=-1), []
    except (msgspec.DecodeError, RecursionError):
        body, repairs = repair(body)
    try:
        return msgspec.json.format(body, indent=-1), repairs
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableBody(str(error)) from error


def message(entry: bytes | Raw, repairs: Sequence[Repair] = (), prefix: int = 0) -> Message | Unusable:
    """
    One message, with all that is unusual about it; `repairs` are those made in it, their paths counted
    from `prefix` steps above.
    """
    try:
        given = objects.read(entry)
    except msgspec.ValidationError:
        return Unusable(NotAnObject())
    except UnicodeDecodeError:
        return Unusable(InvalidField("a field's name is not UTF-8"))
    found = Message()
    try:
        bytes(entry).decode()
        for name, value in given.items():
            _take(found, name, value)
        for made in repairs:
            _note(found, made, prefix)
    except UnicodeDecodeError as error:
        return Unusable(InvalidField(f"not UTF-8 at byte {error.start}"), _name(given))
    except Refusal as refusal:
        return Unusable(refusal, _name(given))
    return found


def _take(found: Message, name: str, value: Raw) -> None:
    attribute, read = _READERS.get(name) or (None, None)
    if attribute and read:
        try:
            setattr(found, attribute, read(value))
        except UNDECODABLE as error:
            raise InvalidField(f"$.{name}: {str(error).partition(' - at')[0]}") from error
    elif name in _ALIASES:
        _take(found, _ALIASES[name], value)
    elif name == "_metadata":
        found.metadata = value
    else:
        found.extras[name] = value


def _note(found: Message, made: Repair, prefix: int) -> None:
    field = ".".join(map(str, made.path[prefix:]))
    if made.code == "too_deep":
        raise InvalidField(f"$.{field[:100]}: nested too deep")
    found.warn(made.code, field, made.detail)


def _name(given: dict[str, Raw]) -> str | None:
    """The messageId of a message that is refused, for its error."""
    try:
        return _label(given["messageId"])
    except (KeyError, *UNDECODABLE):
        return None


def _text(value: Raw) -> str | None:
    """A text; one without letters says nothing."""
    return _decode_text(value) or None


def _label(value: Raw) -> str | None:
    """A text; a number keeps its digits."""
    digits = bytes(value)
    return digits.decode() if _DIGITS.fullmatch(digits) else _text(value)


def _message_id(value: Raw) -> str | None:
    name = _label(value)
    if name and len(name) > _LONGEST_ID:
        raise MessageIdTooLong
    return name


def _instant(value: Raw) -> str | int | float | None:
    """Whatever a client takes for a time; what it means is for later to say."""
    try:
        found: str | int | float | None = _decode_instant(value)
    except UNDECODABLE:
        return bytes(value).decode()
    return found


def _word(value: Raw) -> str | None:
    """A text that will be looked up; what is none will not be found."""
    try:
        return _text(value)
    except msgspec.ValidationError:
        return bytes(value).decode()


def _same(value: Raw) -> Raw:
    return value


_LONGEST_ID = 100  # characters
_DIGITS = re.compile(rb"-?\d[\d.eE+-]*")
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_instant = msgspec.json.Decoder(str | int | float | None).decode

_READERS: dict[str, tuple[str, Callable[[Raw], Any]]] = {
    "type": ("type", _word),
    "messageId": ("message_id", _message_id),
    "userId": ("user_id", _label),
    "anonymousId": ("anonymous_id", _label),
    "groupId": ("group_id", _label),
    "previousId": ("previous_id", _label),
    "event": ("event", _text),
    "eventName": ("event_name", _text),
    "name": ("name", _label),
    "category": ("category", _label),
    "properties": ("properties", _same),
    "traits": ("traits", _same),
    "context": ("context", _same),
    "integrations": ("integrations", _same),
    "channel": ("channel", _label),
    "timestamp": ("timestamp", _instant),
    "originalTimestamp": ("original_timestamp", _instant),
    "sentAt": ("sent_at", _instant),
    "writeKey": ("write_key", _word),
}
# MetaRouter's prose says userID and anonymousID where its tables say userId. A key must not be taken for
# an unknown field, which would reach the sinks.
_ALIASES = {"userID": "userId", "anonymousID": "anonymousId", "writekey": "writeKey"}
