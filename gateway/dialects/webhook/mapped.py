"""A webhook's body, whatever its shape: taken apart by the table that its source has for it."""

import re
from collections.abc import Sequence
from functools import partial

from msgspec import Raw

from gateway.dialects.shared import rules, slow_path
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
from gateway.submission import Submission
from gateway.webhooks.places import Place, Scope, Value
from gateway.webhooks.signature import verify
from gateway.webhooks.table import Webhook

# A table may give each entry what the body says once; 2,500 copies of a large part would fill the memory.
_MOST_BYTES = 8 * 1024 * 1024

_OBJECTS = ("properties", "traits", "context", "integrations")
_LACKS: dict[type[Refusal], tuple[str, ...]] = {
    MissingType: ("type",),
    MissingEvent: ("event",),
    MissingId: ("userId", "anonymousId"),
    MissingGroupId: ("groupId",),
    MissingPreviousId: ("previousId",),
}
_NAMED = re.compile(r"\$\.(\w+): (.*)", re.DOTALL)
_SECONDS = re.compile(rb'"?(\d{9,11}(?:\.\d+)?)"?')


def decode(
    webhook: Webhook, secrets: Sequence[str], most_events: int, submission: Submission
) -> DecodedSubmission:
    """The events in a webhook of the sender with the secret; BadSignature if it is not his."""
    if webhook.signature:
        verify(webhook.signature, secrets, webhook.tolerance, submission)
    text, repairs = bodies.readable(submission.body)
    try:
        bodies.check_text(text)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    body = Value(Raw(text))
    places = webhook.fields.places()
    signed = webhook.signature is not None
    if webhook.events is None:
        message, _ = _read(places, Scope(submission.headers, body, body), repairs)
        return DecodedSubmission([message], signed=signed)

    steps = webhook.events.steps
    found = body.at(steps)
    entries = found.entries() if found else None
    if entries is None:
        raise InvalidField(f"{webhook.events}: expected a list")
    if len(entries) > most_events:
        raise TooManyEvents(len(entries), most_events)
    made = bodies.repairs_by_path(repairs, len(steps) + 1)
    messages: list[Message | Rejected] = []
    sizes: list[int] = []
    left = _MOST_BYTES
    for place, entry in enumerate(entries):
        scope = Scope(submission.headers, body, Value(entry))
        message, size = _read(places, scope, made.get((*steps, place), ()))
        left -= size
        if left < 0:
            raise BodyTooLarge("the table copies too much of it into each event")
        messages.append(message)
        sizes.append(size)
    return DecodedSubmission(messages, batch=True, measure=partial(list.__getitem__, sizes), signed=signed)


def _read(
    places: dict[str, Place], scope: Scope, repairs: Sequence[Repair]
) -> tuple[Message | Rejected, int]:
    """One event as the sender would write it if he spoke Segment's dialect, and its size as such."""
    given = {name: found for name, place in places.items() if (found := place.find(scope)) is not None}
    if "timestamp" in given:
        given["timestamp"] = _to_milliseconds(given["timestamp"])
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
        return Rejected(_explain(refusal, places), _name(given)), len(text)
    return message, len(text)


def _to_milliseconds(time: Raw) -> Raw:
    """A time in seconds, as most senders count, in ours; all else as it stands."""
    seconds = _SECONDS.fullmatch(bytes(time))
    return Raw(b"%d" % round(float(seconds[1]) * 1000)) if seconds else time


def _explain(refusal: Refusal, places: dict[str, Place]) -> Refusal:
    """The refusal in the words of the table, which the operator knows."""
    lacking = [str(places[name]) for name in _LACKS.get(type(refusal), ()) if name in places]
    if lacking:
        return type(refusal)(f"found nothing at {', '.join(lacking)}")
    named = _NAMED.fullmatch(refusal.details)
    if isinstance(refusal, InvalidField) and named and named[1] in places:
        return InvalidField(f"{places[named[1]]}, for {named[1]}: {named[2]}")
    return refusal.with_traceback(None)


def _name(given: dict[str, Raw]) -> str | None:
    try:
        return values.find_label(given.get("messageId"))
    except values.UNDECODABLE:
        return None
