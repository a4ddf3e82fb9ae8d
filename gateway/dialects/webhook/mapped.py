"""Webhooks of any shape, read by their source's table."""

import re
import uuid
from collections.abc import Sequence
from functools import partial

from msgspec import Raw

from gateway.dialects.shared import rules, slow_path
from gateway.dialects.webhook import forms, handshake
from gateway.errors import (
    BodyTooLarge,
    InvalidField,
    MissingEvent,
    MissingGroupId,
    MissingId,
    MissingPreviousId,
    MissingType,
    Refusal,
    TooManyEvents,
    UnreadableBody,
)
from gateway.message import DecodedSubmission, Message, Rejected
from gateway.raw import bodies, objects, values
from gateway.raw.repair import Repair
from gateway.sources import Source
from gateway.submission import BODY_METHODS, Submission
from gateway.webhooks.places import Place, Scope, Value
from gateway.webhooks.redaction import without_keys
from gateway.webhooks.signature import verify
from gateway.webhooks.table import Webhook

_MAX_EVENTS_BYTES = 8 * 1024 * 1024
"""A table may copy a part of the body into each event; 2,500 copies of a large part would fill the memory."""

_MAX_MESSAGE_ID_CHARACTERS = 100
_LONG_IDS = uuid.NAMESPACE_OID
"""The namespace of the UUIDs that replace longer ones: the same id gives the same UUID, on every gateway."""

_OBJECTS = ("properties", "traits", "context", "integrations")
_NEEDED: dict[type[Refusal], tuple[str, ...]] = {
    MissingType: ("type",),
    MissingEvent: ("event",),
    MissingId: ("userId", "anonymousId"),
    MissingGroupId: ("groupId",),
    MissingPreviousId: ("previousId",),
}
_SECONDS = re.compile(rb'"?(\d{9,11}(?:\.\d+)?)"?')


def decode(webhook: Webhook, source: Source, max_events: int, submission: Submission) -> DecodedSubmission:
    """
    Return the events that the source's table finds in a webhook, without the source's write keys.

    Raises BadSignature, UnreadableBody, TooManyEvents, BodyTooLarge; InvalidField if the list is not a list.
    """
    signed = webhook.signature is not None
    if webhook.signature and submission.method in BODY_METHODS:
        verify(webhook.signature, source.webhook_secrets, webhook.tolerance, submission)
    json = forms.to_json(submission)
    if handshake.is_handshake(submission, json):
        return DecodedSubmission([], signed=signed, is_handshake=True)
    text, repairs = bodies.readable(json)
    try:
        bodies.check_text(text)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    body = Value(Raw(without_keys(text, source.write_keys)))
    places = webhook.fields.places()
    if webhook.events is None:
        message, _ = _read(places, Scope(submission.headers, body, body), repairs)
        return DecodedSubmission([message], signed=signed)

    steps = webhook.events.steps
    found = body.at(steps)
    entries = _entries(found) if found else None
    if entries is None:
        raise InvalidField(f"{webhook.events}: expected a list")
    if not entries:
        return DecodedSubmission([], signed=signed, is_handshake=True)
    if len(entries) > max_events:
        raise TooManyEvents(len(entries), max_events)
    repaired = bodies.repairs_by_path(repairs, len(steps) + 1)
    messages: list[Message | Rejected] = []
    sizes: list[int] = []
    left = _MAX_EVENTS_BYTES
    for index, entry in entries:
        scope = Scope(submission.headers, body, Value(entry))
        message, size = _read(places, scope, repaired.get((*steps, index), ()))
        left -= size
        if left < 0:
            raise BodyTooLarge("the table copies too much of it into each event")
        messages.append(message)
        sizes.append(size)
    return DecodedSubmission(messages, batch=True, measure=partial(list.__getitem__, sizes), signed=signed)


def _entries(found: Value) -> Sequence[tuple[str | int, Raw]] | None:
    """Return indices and entries of a list, even one that PHP wrote with holes; None for any other value."""
    entries = found.entries()
    if entries is not None:
        return list(enumerate(entries))
    fields = objects.fields(found.raw)
    return list(fields.items()) if fields and bodies.has_holes(fields) else None


def _read(
    places: dict[str, Place], scope: Scope, repairs: Sequence[Repair]
) -> tuple[Message | Rejected, int]:
    """Return one event, and the size in bytes that it would have in the Segment spec."""
    given = {name: found for name, place in places.items() if (found := place.find(scope)) is not None}
    if "timestamp" in given:
        given["timestamp"] = _to_milliseconds(given["timestamp"])
    message_id = _message_id(given)
    long_id = message_id if message_id and len(message_id) > _MAX_MESSAGE_ID_CHARACTERS else None
    if long_id:
        given["messageId"] = Raw(objects.write(str(uuid.uuid5(_LONG_IDS, long_id))))
    text = objects.write(given)
    message = slow_path.read_message(text, repairs)
    try:
        if isinstance(message, Rejected):
            raise message.refusal
        for name in _OBJECTS:
            if name in given:
                objects.require(name, given[name])
        rules.validate(message)
    except Refusal as refusal:
        return Rejected(_explain(refusal, places), message_id), len(text)
    if long_id:
        message.warn("message_id_shortened", "messageId", long_id)
    return message, len(text)


def _to_milliseconds(time: Raw) -> Raw:
    """Return a time in seconds, the unit of most senders, in milliseconds; any other value unchanged."""
    seconds = _SECONDS.fullmatch(bytes(time))
    return Raw(b"%d" % round(float(seconds[1]) * 1000)) if seconds else time


def _explain(refusal: Refusal, places: dict[str, Place]) -> Refusal:
    """Return the refusal with the table's places, which the operator knows."""
    searched = [str(places[name]) for name in _NEEDED.get(type(refusal), ()) if name in places]
    if searched:
        return type(refusal)(f"found nothing at {', '.join(searched)}")
    if isinstance(refusal, InvalidField) and refusal.field in places:
        return InvalidField(f"{places[refusal.field]}, for {refusal.field}: {refusal.problem}")
    return refusal.with_traceback(None)


def _message_id(given: dict[str, Raw]) -> str | None:
    try:
        return values.find_label(given.get("messageId"))
    except values.UNDECODABLE:
        return None
