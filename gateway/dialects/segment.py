"""
The Segment spec over HTTP, as Segment, MetaRouter and RudderStack take it: one event, or a batch.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway import objects
from gateway.dialects import careful, rules
from gateway.dialects.base import (
    BATCH_REPLIES,
    HEADER_KEYS,
    PLAIN_REPLIES,
    QUERY_KEY,
    STRICT,
    header_key,
    plain_answer,
    plain_refusal,
    query_key,
)
from gateway.errors import InvalidField, Refusal, TooManyEvents, UnreadableBody
from gateway.message import Contents, Message, Object, Time, Unusable
from gateway.operation import Fragment, Operation, examples
from gateway.outcome import Answer
from gateway.repair import Repair
from gateway.sources import Limits
from gateway.submission import Submission

METHODS = ("POST",)
PATHS = {
    **{
        f"/v1/{path}": type
        for type in ("identify", "track", "page", "screen", "group", "alias")
        for path in (type, type[0])
    },
    **dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import"), ""),
    **dict.fromkeys(("/beacon/v1/batch", "/beacon/batch"), ""),
}
LIMITS = Limits(max_event=15 * 1024, max_body=500 * 1024, max_events=2500)

answer = plain_answer
validate = rules.validate


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


def write_key(submission: Submission) -> str | None:
    return header_key(submission) or query_key(submission)


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    return plain_refusal(submission, refusal, batch=not PATHS[submission.route])


def decode(submission: Submission) -> Contents:
    type = PATHS[submission.route]
    return decode_one(submission.body, type) if type else decode_many(submission.body)


def decode_one(body: bytes, type: str | None = None) -> Contents:
    """One message; the route decides its type where it names one."""
    try:
        body = objects.compact(body)
        found: Message | Unusable = _decode_one(body)
        careful.check_text(body)
    except careful.UNDECODABLE:
        body, repairs = careful.readable(body)
        try:
            careful.check_text(body)
        except UnicodeDecodeError as error:
            raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
        found = careful.message(body, repairs)
    if type and isinstance(found, Message):
        found.type = type
    return Contents([found])


def decode_many(body: bytes) -> Contents:
    """{"batch": […]}, a bare array, or one message."""
    try:
        body = objects.compact(body)
        careful.check_text(body)
        envelope = Batch(_decode_list(body)) if _is_array(body) else _decode_batch(body)
    except careful.UNDECODABLE:
        return _decode_many_carefully(body)
    if isinstance(envelope.batch, UnsetType):
        return decode_one(body)
    return _inherit(envelope.batch, envelope, body)


def _decode_many_carefully(body: bytes) -> Contents:
    body, repairs = careful.readable(body)
    if _is_array(body):
        return _inherit(_messages(careful.entries(body), repairs, ()), Batch(), body)
    try:
        given = objects.read(body)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return decode_one(body)
    if "batch" not in given:
        return decode_one(body)
    try:
        entries = careful.entries(given["batch"])
    except msgspec.ValidationError:
        entries = []  # a batch that is no list holds no events
    if len(entries) > _MOST_ENTRIES:
        raise TooManyEvents(len(entries), LIMITS.max_events)
    said_once = {name: given[name] for name in _SAID_ONCE if name in given}
    envelope = careful.message(objects.write(said_once))
    if isinstance(envelope, Unusable):
        raise envelope.refusal
    return _inherit(_messages(entries, repairs, ("batch",)), envelope, body)


def _messages(entries: list[Raw], repairs: list[Repair], above: tuple[str, ...]) -> list[Message | Unusable]:
    depth = len(above) + 1
    made = careful.sort(repairs, depth)
    return [
        careful.message(entry, made.get((*above, place), ()), prefix=depth)
        for place, entry in enumerate(entries)
    ]


def _inherit(messages: Sequence[Message | Unusable], envelope: Batch | Message, body: bytes) -> Contents:
    """What the envelope says once for all its messages, each of which may say otherwise."""
    if envelope.context is not UNSET or envelope.integrations is not UNSET:
        messages = [_merge(message, envelope) for message in messages]
    return Contents(
        messages,
        batch=True,
        measure=partial(_measure, cache(partial(_entries, body)), envelope.context),
        write_key=envelope.write_key or None,
        sent_at=envelope.sent_at,
        timestamp=envelope.timestamp,
    )


def _merge(message: Message | Unusable, envelope: Batch | Message) -> Message | Unusable:
    if isinstance(message, Message):
        try:
            message.context = objects.merge_deep(envelope.context, message.context)
            message.integrations = objects.merge_shallow(envelope.integrations, message.integrations)
        except RecursionError:
            return Unusable(InvalidField("$.context: nested too deep"), message.message_id)
    return message


def _entries(body: bytes) -> list[Raw]:
    return careful.entries(body if _is_array(body) else objects.read(body)["batch"])


def _measure(entries: Callable[[], list[Raw]], context: Object, place: int) -> int:
    entry = entries()[place]
    if isinstance(context, UnsetType):
        return len(bytes(entry))
    fields = objects.read(entry)
    merged = objects.merge_deep(context, fields.get("context", UNSET))
    return len(objects.write({**fields, "context": merged}))


def _is_array(body: bytes) -> bool:
    return (body.lstrip() if body[:1].isspace() else body)[:1] == b"["


def describe(method: str, path: str) -> Operation:
    if type := PATHS[path]:
        return describe_one(type)
    return describe_many("Several events: a batch, a bare array, or one event")


def describe_one(type: str) -> Operation:
    event = {"userId": "u1", **EXAMPLES.get(type, {})}
    return Operation(
        summary=f"One event of type {type}",
        description="It needs a `userId` or an `anonymousId`; numbers are taken for texts.",
        security={**HEADER_KEYS, **QUERY_KEY},
        anonymous=True,  # an event may name its own key
        shapes=[Message],
        examples=examples(event=event),
        replies=PLAIN_REPLIES,
    )


def describe_many(summary: str) -> Operation:
    event = {"type": "track", "userId": "u1", **EXAMPLES["track"]}
    return Operation(
        summary=summary,
        description="Each event needs a `type`, and is judged on its own: one refused harms no other.",
        parameters=[STRICT],
        security={**HEADER_KEYS, **QUERY_KEY},
        anonymous=True,
        shapes=[Batch, list[Message], Message],
        examples=examples(
            batch={"batch": [event], "context": {"app": {"name": "shop"}}}, array=[event], event=event
        ),
        replies=BATCH_REPLIES,
    )


EXAMPLES: Mapping[str, Fragment] = {
    "identify": {"traits": {"email": "ann@example.com"}},
    "track": {"event": "Order Completed", "properties": {"revenue": 9.5}},
    "page": {"name": "Home", "properties": {"url": "https://example.com/"}},
    "screen": {"name": "Home"},
    "group": {"groupId": "g1", "traits": {"name": "Example"}},
    "alias": {"previousId": "a1"},
}
"""What an event has besides its type and its person."""
