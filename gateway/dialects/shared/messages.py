"""
Bodies in the shape of the Segment spec: one message, or several.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.dialects.shared import slow_path
from gateway.errors import InvalidField, TooManyEvents, UnreadableBody
from gateway.message import DecodedSubmission, Message, Object, Rejected, Time
from gateway.raw import bodies, objects, truth, values
from gateway.raw.repair import Repair
from gateway.sources import Limits

LIMITS = Limits(max_event=15 * 1024, max_body=500 * 1024, max_events=2500)


class Batch(msgspec.Struct, rename="camel"):
    """The envelope. What else clients put there (Go a messageId, Java a sequence) says nothing."""

    batch: list[Message] | UnsetType = UNSET
    context: Object = UNSET
    integrations: Object = UNSET
    sent_at: Time = None
    timestamp: Time = None
    write_key: str | None = None


_SAID_ONCE = ("context", "integrations", "sentAt", "timestamp", "writeKey")

_MOST_ENTRIES = 25_000  # more than 500 KB of events hold; to look at each by itself takes 0.15 s

_decode_one = msgspec.json.Decoder(Message).decode
_decode_batch = msgspec.json.Decoder(Batch).decode
_decode_list = msgspec.json.Decoder(list[Message]).decode


def decode_one(body: bytes, type: str | None = None) -> DecodedSubmission:
    """One message; the route decides its type where it names one."""
    try:
        body = objects.compact(body)
        found: Message | Rejected = _decode_one(body)
        bodies.check_text(body)
    except values.UNDECODABLE:
        body, repairs = bodies.readable(body)
        try:
            bodies.check_text(body)
        except UnicodeDecodeError as error:
            raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
        found = slow_path.read_message(body, repairs)
    if type and isinstance(found, Message):
        found.type = type
    return DecodedSubmission([found])


def decode_many(body: bytes) -> DecodedSubmission:
    """{"batch": […]}, a bare array, or one message."""
    try:
        body = objects.compact(body)
        bodies.check_text(body)
        envelope = Batch(_decode_list(body)) if _is_array(body) else _decode_batch(body)
    except values.UNDECODABLE:
        return _decode_many_carefully(body)
    if isinstance(envelope.batch, UnsetType):
        return decode_one(body)
    return _inherit(envelope.batch, envelope, body)


def _decode_many_carefully(body: bytes) -> DecodedSubmission:
    body, repairs = bodies.readable(body)
    if _is_array(body):
        return _inherit(_messages(bodies.entries(body), repairs, ()), Batch(), body)
    try:
        given = objects.read(body)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return decode_one(body)
    if "batch" not in given:
        return decode_one(body)
    try:
        entries = bodies.entries(given["batch"])
    except msgspec.ValidationError:
        entries = []  # a batch that is no list holds no events
    if len(entries) > _MOST_ENTRIES:
        raise TooManyEvents(len(entries), LIMITS.max_events)
    said_once = {name: given[name] for name in _SAID_ONCE if name in given}
    envelope = slow_path.read_message(objects.write(said_once))
    if isinstance(envelope, Rejected):
        raise envelope.refusal
    return _inherit(_messages(entries, repairs, ("batch",)), envelope, body)


def _messages(entries: list[Raw], repairs: list[Repair], above: tuple[str, ...]) -> list[Message | Rejected]:
    depth = len(above) + 1
    made = bodies.repairs_by_path(repairs, depth)
    return [
        slow_path.read_message(entry, made.get((*above, place), ()), prefix=depth)
        for place, entry in enumerate(entries)
    ]


def _inherit(
    messages: Sequence[Message | Rejected], envelope: Batch | Message, body: bytes
) -> DecodedSubmission:
    """What the envelope says once for all its messages, each of which may say otherwise."""
    if envelope.context is not UNSET or envelope.integrations is not UNSET:
        messages = [_merge(message, envelope) for message in messages]
    return DecodedSubmission(
        messages,
        batch=True,
        measure=partial(_measure, cache(partial(_entries, body)), envelope.context),
        write_key=envelope.write_key or None,
        sent_at=envelope.sent_at,
        timestamp=envelope.timestamp,
    )


def _merge(message: Message | Rejected, envelope: Batch | Message) -> Message | Rejected:
    if isinstance(message, Message):
        try:
            message.context = objects.merge_deep(envelope.context, message.context)
            message.integrations = objects.merge_shallow(
                truth.spread(envelope.integrations), truth.spread(message.integrations)
            )
        except RecursionError:
            return Rejected(InvalidField("$.context: nested too deep"), message.message_id)
    return message


def _entries(body: bytes) -> list[Raw]:
    return bodies.entries(body if _is_array(body) else objects.read(body)["batch"])


def _measure(entries: Callable[[], list[Raw]], context: Object, place: int) -> int:
    entry = entries()[place]
    if isinstance(context, UnsetType):
        return len(bytes(entry))
    fields = objects.read(entry)
    merged = objects.merge_deep(context, fields.get("context", UNSET))
    return len(objects.write({**fields, "context": merged}))


def _is_array(body: bytes) -> bool:
    return (body.lstrip() if body[:1].isspace() else body)[:1] == b"["
