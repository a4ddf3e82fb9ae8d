"""
Bodies in the shape of the Segment spec: one message, or several.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache, cached_property, partial
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from gateway.dialects.shared import parameters, slow_path
from gateway.errors import BodyTooLarge, InvalidField, UnreadableBody
from gateway.message import DecodedSubmission, Message, Object, Rejected, Time
from gateway.raw import bodies, objects, truth, values
from gateway.raw.repair import Repair
from gateway.sources import Limits

LIMITS = Limits(max_event=15 * 1024, max_body=500 * 1024, max_events=2500)


_MAX_COPIES_BYTES = 8 * 1024 * 1024
_COPIES_BYTES_A_BYTE = 16
"""
What a batch says once is copied into each event: 2,500 copies of 400 KB would fill memory and disk, and take
a minute. A larger body, if its source allows one, may have more.
"""


class Batch(msgspec.Struct, rename="camel"):
    """The envelope. Anything else that clients put there (Go a messageId, Java a sequence) is ignored."""

    batch: list[Message] | UnsetType = UNSET
    context: Object = UNSET
    integrations: Object = UNSET
    sent_at: Time = None
    timestamp: Time = None
    write_key: str | None = None


_SAID_ONCE = ("context", "integrations", "sentAt", "timestamp", "writeKey")

_decode_one = msgspec.json.Decoder(Message).decode
_decode_batch = msgspec.json.Decoder(Batch).decode
_decode_list = msgspec.json.Decoder(list[Message]).decode


def decode_one(body: bytes, type: str | None = None) -> DecodedSubmission:
    """Read one message; its type is that of the route, if the route names one."""
    try:
        compact = objects.compact(body)
        found: Message | Rejected = _decode_one(compact)
        if not compact.isascii():
            bodies.check_text(compact)
    except values.UNDECODABLE:
        try:
            text, repairs = _readable(body)
        except UnreadableBody as error:
            return _decode_form(body, partial(decode_one, type=type), error)
        found = slow_path.read_message(text, repairs)
    if type and isinstance(found, Message):
        found.type = type
    return DecodedSubmission([found])


def decode_many(body: bytes) -> DecodedSubmission:
    """Read {"batch": […]}, a bare array, or one message."""
    try:
        compact = objects.compact(body)
        bodies.check_text(compact)
        envelope = Batch(_decode_list(compact)) if _is_array(compact) else _decode_batch(compact)
    except values.UNDECODABLE:
        return _decode_many_slowly(body)
    if isinstance(envelope.batch, UnsetType):
        return _decode_many_slowly(body) if _NUMBERED.match(compact) else decode_one(compact)
    messages: Sequence[Message | Rejected] = envelope.batch
    if _has_context(envelope):
        _check_copies(envelope, len(messages), len(compact))
        messages = [_merge(message, envelope) for message in messages]
    return _with_envelope(messages, envelope, compact)


_NUMBERED = re.compile(rb'\s*\{\s*"\d')


def _decode_many_slowly(body: bytes) -> DecodedSubmission:
    try:
        text, repairs = bodies.readable(body)
    except UnreadableBody as error:
        return _decode_form(body, decode_many, error)
    if _is_array(text):
        return _with_envelope(SlowMessages(text, repairs, ()), Batch(), text)
    try:
        given = objects.read(text)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return decode_one(body)
    if "batch" not in given:
        if bodies.has_holes(given):
            return _with_envelope(SlowMessages(text, repairs, ()), Batch(), text)
        return DecodedSubmission([slow_path.read_message(text, repairs)]) if repairs else decode_one(text)
    said_once = {name: given[name] for name in _SAID_ONCE if name in given}
    envelope = slow_path.read_message(objects.write(said_once))
    if isinstance(envelope, Rejected):
        raise envelope.refusal
    messages = SlowMessages(given["batch"], repairs, ("batch",), envelope)
    _check_copies(envelope, len(messages), len(text))
    return _with_envelope(messages, envelope, text)


class SlowMessages(Sequence[Message | Rejected]):
    """
    The messages of a batch that the typed decoder refused, each read by itself.

    They are read when first looked at, so that a submission with too many can be refused before that.
    """

    def __init__(
        self,
        array: bytes | Raw,
        repairs: Sequence[Repair],
        above: tuple[str, ...],
        envelope: Message | None = None,
    ) -> None:
        try:
            self._steps, self._entries = bodies.numbered_entries(array)
        except msgspec.ValidationError:
            self._steps, self._entries = (), []  # a batch that is not a list holds no events
        self._repairs = repairs
        self._above = above
        self._envelope = envelope
        self._with_keys = True

    def forget_keys(self) -> None:
        """Ignore the keys of single messages."""
        self._with_keys = False

    @cached_property
    def _messages(self) -> list[Message | Rejected]:
        depth = len(self._above) + 1
        made = bodies.repairs_by_path(self._repairs, depth)
        found = [
            slow_path.read_message(entry, made.get((*self._above, step), ()), prefix=depth)
            for step, entry in zip(self._steps, self._entries, strict=True)
        ]
        if not self._with_keys:
            for message in found:
                if isinstance(message, Message):
                    message.write_key = None
        envelope = self._envelope
        if envelope and _has_context(envelope):
            return [_merge(message, envelope) for message in found]
        return found

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Message | Rejected]:
        return iter(self._messages)

    def __getitem__(self, place: Any) -> Any:
        return self._messages[place]


def _readable(body: bytes) -> tuple[bytes, list[Repair]]:
    text, repairs = bodies.readable(body)
    try:
        bodies.check_text(text)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    return text, repairs


def _decode_form(
    body: bytes, decode: Callable[[bytes], DecodedSubmission], error: UnreadableBody
) -> DecodedSubmission:
    """Read the `data` of a form, and the form's key; raise `error` if there is no `data`."""
    form = parameters.read_form(body)
    if form is None or "data" not in form:
        raise error
    decoded = decode(parameters.decode_data(form["data"]))
    decoded.write_key = decoded.write_key or parameters.find_write_key(form)
    return decoded


def _has_context(envelope: Batch | Message) -> bool:
    return envelope.context is not UNSET or envelope.integrations is not UNSET


def _check_copies(envelope: Batch | Message, events: int, body_bytes: int) -> None:
    """Raise BodyTooLarge for a batch whose envelope is large and inherited by many events."""
    inherited = (envelope.context, envelope.integrations)
    size = sum(len(bytes(value)) for value in inherited if not isinstance(value, UnsetType))
    if size * events > max(_MAX_COPIES_BYTES, _COPIES_BYTES_A_BYTE * body_bytes):
        raise BodyTooLarge("context or integrations of the batch are too large for so many events")


def _with_envelope(
    messages: Sequence[Message | Rejected], envelope: Batch | Message, body: bytes
) -> DecodedSubmission:
    """Return messages with what the envelope says once for all of them; each message may override it."""
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
            if message.context is not UNSET:
                with suppress(InvalidField):  # it is refused later, if its key is known at all
                    message.context = objects.require("context", message.context, message.warn)
            message.context = objects.merge_deep(envelope.context, message.context)
            message.integrations = objects.merge_shallow(
                truth.spread(envelope.integrations), truth.spread(message.integrations)
            )
        except RecursionError:
            return Rejected(InvalidField("$.context: nested too deep"), message.message_id)
    return message


def _entries(body: bytes) -> list[Raw]:
    return bodies.entries(body if _is_array(body) else objects.read(body).get("batch", body))


def _measure(entries: Callable[[], list[Raw]], context: Object, place: int) -> int:
    entry = entries()[place]
    if isinstance(context, UnsetType):
        return len(bytes(entry))
    fields = objects.read(entry)
    merged = objects.merge_deep(context, fields.get("context", UNSET))
    return len(objects.write({**fields, "context": merged}))


def _is_array(body: bytes) -> bool:
    return (body.lstrip() if body[:1].isspace() else body)[:1] == b"["
