"""From a body or an address to messages: one event or several; a bad one never costs the others."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.dialects.commandersact import brackets
from gateway.dialects.commandersact.full import from_commandersact
from gateway.dialects.commandersact.keys import OUTSIDE
from gateway.dialects.commandersact.versions import Fields
from gateway.dialects.shared import slow_path
from gateway.errors import InvalidField, NotAnObject, Refusal, TooManyEvents, UnreadableBody
from gateway.message import DecodedSubmission, Message, Rejected
from gateway.raw import bodies, objects, values
from gateway.raw.repair import Repair

_CATEGORIES = "user[consent_categories]"
_NAMES = frozenset(("event_name", "event"))
_PARTS = frozenset((*_NAMES, "user", "context", "properties"))
"""Fields that tell an event from an envelope."""


_MIN_EVENT_BYTES = 64
_ALWAYS_ALLOWED = 2500
"""
The documentation does not limit the number of events. But 500 KB could hold 256,000 entries that are not
events, which would take seconds; an event with a name, a person, an id and a time has more bytes.
"""


class Batch(msgspec.Struct):
    """The envelope, if all its entries are objects."""

    batch: list[Fields] | UnsetType = UNSET


_decode_batch = msgspec.json.Decoder(Batch).decode


def decode_query(parameters: Sequence[tuple[str, str]]) -> DecodedSubmission:
    """Return the event in a query. Raises InvalidField if it is nested too deep."""
    names = [name for name, _ in parameters]
    given = [
        # Repeated categories are a list even without brackets; for anything else the last value counts.
        (f"{name}[]" if name == _CATEGORIES and names.count(name) > 1 else name, value)
        for name, value in parameters
        if name not in OUTSIDE
    ]
    event = objects.read(objects.write(brackets.nest(given)))
    return DecodedSubmission([from_commandersact(event)])


def decode_body(body: bytes, *, batch: bool) -> DecodedSubmission:
    """
    Return the events of a batch, or a single event, whichever the body is. `batch` says which of the two the
    route is for, in case the body does not tell.

    Raises UnreadableBody, NotAnObject, or TooManyEvents; or the Refusal of an unreadable single event.
    """
    if batch:
        with suppress(*values.UNDECODABLE):
            body = objects.compact(body)
            bodies.check_text(body)
            events = _decode_batch(body).batch
            if events is not UNSET:
                _check_number(len(events), body)
                return _several([from_commandersact(event) for event in events], body)
    body, root, repairs = _read(body)
    entries = _entries(root.get("batch"))
    if entries is not None and (batch or _NAMES.isdisjoint(root)):
        _check_number(len(entries), body)
        made = bodies.repairs_by_path(repairs, depth=2)
        found = [_message(entry, made.get(("batch", step), ()), depth=2) for step, entry in entries.items()]
        return _several(found, body)
    if batch and _PARTS.isdisjoint(root):
        return _several([], body)
    message = _message(body, repairs, depth=0)
    if isinstance(message, Rejected):
        raise message.refusal
    return DecodedSubmission([message])


def _check_number(events: int, body: bytes) -> None:
    """Raise TooManyEvents for a batch of entries that are too small to be events."""
    most = max(_ALWAYS_ALLOWED, len(body) // _MIN_EVENT_BYTES)
    if events > most:
        raise TooManyEvents(events, most)


def _read(body: bytes) -> tuple[bytes, Fields, Sequence[Repair]]:
    """Return a body that is an object, repaired where needed, and its fields."""
    repairs: Sequence[Repair] = ()
    try:
        body = objects.compact(body)
        return body, objects.read(body), repairs
    except msgspec.ValidationError as error:
        raise NotAnObject from error
    except values.UNDECODABLE:
        body, repairs = bodies.readable(body)
    try:
        return body, objects.read(body), repairs
    except msgspec.ValidationError as error:
        raise NotAnObject from error
    except UnicodeDecodeError as error:
        raise UnreadableBody("a field's name is not UTF-8") from error


def _entries(value: Raw | None) -> Mapping[str | int, Raw] | None:
    """
    Return the entries of a batch, each by the last step of its path; None if the value is not a batch.

    PHP writes a list that has lost entries as an object, and converters from XML write a list of one entry as
    just that entry.
    """
    if value is None:
        return None
    with suppress(msgspec.ValidationError):
        steps, found = bodies.numbered_entries(value)
        return dict(zip(steps, found, strict=True))
    fields = objects.fields(value)
    return None if fields is None or _PARTS.isdisjoint(fields) else {0: value}


def _several(messages: Sequence[Message | Rejected], body: bytes) -> DecodedSubmission:
    @cache
    def entries() -> list[Raw]:
        return [*(_entries(objects.read(body).get("batch")) or {}).values()]

    return DecodedSubmission(messages, batch=True, measure=lambda place: len(bytes(entries()[place])))


def _message(entry: bytes | Raw, repairs: Sequence[Repair], depth: int) -> Message | Rejected:
    """Return an event, or why it is not one; `repairs` were made in it, `depth` steps above it."""
    try:
        bodies.check_text(entry)
        message = from_commandersact(objects.read(entry))
        for made in repairs:
            slow_path.warn_of_repair(message, made, depth)
    except msgspec.ValidationError:
        return Rejected(NotAnObject())
    except UnicodeDecodeError as error:
        return Rejected(InvalidField(f"not UTF-8 at byte {error.start}"))
    except Refusal as refusal:
        return Rejected(refusal)
    return message
