"""
The Segment family's slow path, message by message, for whatever the typed decoders refuse.

An unknown field, a number instead of text, a NaN, half an emoji, an entry that is not an object: each is
handled here, so that it costs its own message at most, and usually nothing.
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
    """Read one message. `repairs` were made in it; their paths begin `prefix` steps above."""
    try:
        given = objects.read(entry)
    except msgspec.ValidationError:
        return Rejected(NotAnObject())
    except UnicodeDecodeError:
        return Rejected(InvalidField("a field's name is not UTF-8"))
    found = Message()
    aliases: dict[str, str] = {}
    try:
        bytes(entry).decode()
        for name, value in given.items():
            if name in _READERS:
                _read_field(found, name, value)
            elif alias := _ALIASES.get(name) or (is_write_key(name) and "writeKey"):
                aliases[name] = alias
            elif name == "_metadata":
                found.metadata = value
            else:
                found.extras[name] = value
        for name, alias in aliases.items():
            _read_alias(found, name, alias, given[name])
        for made in repairs:
            warn_of_repair(found, made, prefix)
    except UnicodeDecodeError as error:
        return Rejected(InvalidField(f"not UTF-8 at byte {error.start}"), _name(given))
    except Refusal as refusal:
        return Rejected(refusal, _name(given))
    return found


def _read_field(found: Message, name: str, value: Raw) -> None:
    attribute, read = _READERS[name]
    try:
        if name in _OPTIONAL_TEXTS and bytes(value) in _EMPTY:
            found.warn("empty_value", name, bytes(value).decode())
        else:
            setattr(found, attribute, read(value))
    except values.UNDECODABLE as error:
        raise InvalidField(str(error).partition(" - at")[0], field=name) from error


def _read_alias(found: Message, name: str, alias: str, value: Raw) -> None:
    """Read another spelling of a field; the exact spelling wins if it has a meaningful value."""
    exact = getattr(found, _READERS[alias][0])
    if exact is None:
        _read_field(found, alias, value)
    elif name in _ALIASES and values.find_label(value) not in (None, exact):
        found.extras[name] = value


def is_write_key(name: str) -> bool:
    """Return whether a field holds a write key: `writeKey`, `write_key`, `write-key`, in any case."""
    return name.replace("_", "").replace("-", "").lower() == "writekey"


def warn_of_repair(found: Message, made: Repair, prefix: int) -> None:
    """Warn of a repair. Raises InvalidField for a value that was removed."""
    field = ".".join(map(str, made.path[prefix:]))
    if made.code == "too_deep":
        raise InvalidField(f"$.{field[:100]}: nested too deep")
    found.warn(made.code, field, made.detail)


def _name(given: dict[str, Raw]) -> str | None:
    """Return the messageId of a refused message, for its error."""
    try:
        return values.find_label(given.get("messageId"))
    except values.UNDECODABLE:
        return None


def _message_id(value: Raw) -> str | None:
    name = values.label(value)
    if name and len(name) > _MAX_ID_CHARACTERS:
        raise MessageIdTooLong
    return name


def _text_or_json(value: Raw) -> str | None:
    """Return a text that will be looked up; for any other value, its JSON, which will not be found."""
    try:
        return values.text(value)
    except msgspec.ValidationError:
        return bytes(value).decode()


def _unread(value: Raw) -> Raw:
    return value


_MAX_ID_CHARACTERS = 100
_READERS: dict[str, tuple[str, Callable[[Raw], Any]]] = {
    "type": ("type", _text_or_json),
    "messageId": ("message_id", _message_id),
    "userId": ("user_id", values.label),
    "anonymousId": ("anonymous_id", values.label),
    "groupId": ("group_id", values.label),
    "previousId": ("previous_id", values.label),
    "event": ("event", values.text),
    "eventName": ("event_name", values.text),
    "name": ("name", values.label),
    "category": ("category", values.label),
    "properties": ("properties", _unread),
    "traits": ("traits", _unread),
    "context": ("context", _unread),
    "integrations": ("integrations", _unread),
    "channel": ("channel", values.label),
    "timestamp": ("timestamp", values.instant),
    "originalTimestamp": ("original_timestamp", values.instant),
    "sentAt": ("sent_at", values.instant),
    "writeKey": ("write_key", _text_or_json),
}
_OPTIONAL_TEXTS = {name for name, (_, read) in _READERS.items() if read in (values.text, values.label)} | {
    "messageId",
    "writeKey",
}
_EMPTY = (b"false", b"[]", b"{}")
"""Values other than null and "" that untyped languages write for a missing text."""
# MetaRouter's prose says userID and anonymousID where its tables say userId.
_ALIASES = {"userID": "userId", "anonymousID": "anonymousId"}
