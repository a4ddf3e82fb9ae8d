"""
Commanders Act's HTTP tracking API: an event of version 2.0 or 1.0, a batch, or one in an image's address.

https://doc.commandersact.com/features/sources/sources-catalog/http-tracking-api and its pixel.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial

import msgspec
from msgspec import Raw

from gateway.dialects.commandersact import brackets
from gateway.dialects.commandersact.full import from_commandersact
from gateway.dialects.shared import image, slow_path
from gateway.dialects.shared.answers import SUCCESS, Success, flat_refusal
from gateway.dialects.shared.describing import DURABLE, RETRY
from gateway.errors import (
    BodyTooLarge,
    InvalidField,
    NotAnObject,
    Refusal,
    TryLater,
    UnreadableBody,
)
from gateway.message import DecodedSubmission, Message, Rejected
from gateway.operation import Fragment, Operation, Reply, examples, fields, header, query
from gateway.outcome import Answer, Failure, Outcome
from gateway.raw import bodies, objects, values
from gateway.raw.repair import Repair
from gateway.sources import Limits
from gateway.submission import Submission, pairs

METHODS = ("POST", "GET", "HEAD")
PATHS = dict.fromkeys(("/events", "/events/batch", "/cdp/events", "/cdp/events/batch"), "")
_MOST = 500 * 1024
LIMITS = Limits(max_event=32 * 1024, max_body=_MOST, max_events=_MOST)


class Batch(msgspec.Struct):
    """The envelope, if all its entries are objects."""

    batch: list[dict[str, Raw]] = []


_decode_events = msgspec.json.Decoder(Batch).decode

_OUTSIDE = ("tc_s", "token")
"""Parameters that say who sends, and nothing of the event."""


def write_key(submission: Submission) -> str | None:
    """`token`, or Authorization: Bearer; if both are there and differ, neither counts."""
    _, token = _sender(submission.query)
    scheme, _, bearer = submission.header(b"authorization").partition(" ")
    bearer = bearer.strip() if scheme.lower() == "bearer" else ""
    return (token or bearer) if not (token and bearer) or token == bearer else None


def decode(submission: Submission) -> DecodedSubmission:
    site, _ = _sender(submission.query)
    if submission.method == "GET":
        image.check_length(submission)
        given = [(name, value) for name, value in submission.pairs if name not in _OUTSIDE]
        event = objects.read(objects.write(brackets.nest(given)))
        return DecodedSubmission([from_commandersact(event)], site=site)
    if submission.route.endswith("/batch"):
        return _decode_batch(submission.body, site)
    message = _decode_one(submission.body)
    if isinstance(message, Rejected):
        raise message.refusal
    return DecodedSubmission([message], site=site)


def validate(message: Message) -> None:
    """Whatever is missing, the event is taken; its warnings say what."""


def answer(submission: Submission, outcome: Outcome) -> Answer:
    if submission.method != "POST":
        return image.answer(submission, outcome)
    if outcome.refused:
        return _accept(outcome.refused[0].refusal)
    return SUCCESS


def refuse(submission: Submission, refusal: Refusal) -> Answer:
    """200 for whatever the documents do not except, since its clients were promised that."""
    if submission.method != "POST":
        return image.refuse(submission, refusal)
    if isinstance(refusal, TryLater):
        return _name(flat_refusal(refusal), refusal)
    if isinstance(refusal, UnreadableBody | BodyTooLarge | NotAnObject):
        return _name(flat_refusal(refusal, status=400), refusal)
    return _accept(refusal)


def _accept(refusal: Refusal) -> Answer:
    return _name(SUCCESS, refusal)


def _name(answer: Answer, refusal: Refusal) -> Answer:
    error = (b"x-gateway-error", refusal.code.encode())
    return msgspec.structs.replace(answer, headers=(*answer.headers, error))


# A source's events nearly all come to one address: 0.1 µs instead of 3.
@lru_cache(64)
def _sender(query: bytes) -> tuple[str, str]:
    """The site and the token that an address names."""
    parameters = dict(pairs(query))
    # Keys may be base64, whose "+" in an address reads as a space.
    return parameters.get("tc_s", ""), parameters.get("token", "").replace(" ", "+")


def _decode_one(body: bytes) -> Message | Rejected:
    try:
        body = objects.compact(body)
        event = objects.read(body)
        bodies.check_text(body)
    except msgspec.ValidationError as error:
        raise NotAnObject from error
    except values.UNDECODABLE:
        body, repairs = bodies.readable(body)
        return _message(body, repairs, depth=0)
    return from_commandersact(event)


def _decode_batch(body: bytes, site: str) -> DecodedSubmission:
    messages: Sequence[Message | Rejected]
    try:
        body = objects.compact(body)
        bodies.check_text(body)
        messages = [from_commandersact(event) for event in _decode_events(body).batch]
    except values.UNDECODABLE:
        body, repairs = _read(body)
        messages = _messages(body, repairs)
    measure = partial(_measure, cache(partial(_entries, body)))
    return DecodedSubmission(messages, batch=True, measure=measure, site=site)


def _read(body: bytes) -> tuple[bytes, Sequence[Repair]]:
    """A body that is JSON, with what had to be repaired for that; else UnreadableBody."""
    try:
        body = objects.compact(body)
        objects.read(body)
        bodies.check_text(body)
    except msgspec.ValidationError as error:
        raise NotAnObject from error
    except values.UNDECODABLE:
        return bodies.readable(body)
    return body, ()


def _messages(body: bytes, repairs: Sequence[Repair]) -> list[Message | Rejected]:
    """Entry by entry, one of which is no object or had to be repaired."""
    made = bodies.repairs_by_path(repairs, depth=2)
    return [
        _message(entry, made.get(("batch", place), ()), depth=2) for place, entry in enumerate(_entries(body))
    ]


def _entries(body: bytes) -> list[Raw]:
    try:
        return bodies.entries(objects.read(body)["batch"])
    except (KeyError, msgspec.ValidationError):
        return []  # valid JSON, and no events in it
    except UnicodeDecodeError as error:
        raise UnreadableBody("a field's name is not UTF-8") from error


def _measure(entries: Callable[[], list[Raw]], place: int) -> int:
    return len(bytes(entries()[place]))


def _message(entry: bytes | Raw, repairs: Sequence[Repair], depth: int) -> Message | Rejected:
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


def describe(method: str, path: str) -> Operation:
    site = query("tc_s", "The site; required if the source has a `site_id`.", example="29")
    batch = path.endswith("/batch")
    if method != "POST":
        event = {"event_name": "page_view", "user[id]": "1", "user[consent_categories][]": "1"}
        return Operation(
            summary="One event, by an image",
            description="HEAD answers as GET, and records nothing.",
            parameters=[site, fields("The event's fields, those of objects and lists in brackets.", event)],
            security=_KEYS,
            replies=image.REPLIES,
        )
    return Operation(
        summary="Several events" if batch else "One event, in version 2.0 or 1.0",
        description="What an event lacks is in its warnings; what is refused, in the inspector.",
        parameters=[site],
        security=_KEYS,
        shapes=[_BATCH if batch else _EVENT],
        examples=examples(batch={"batch": [_EXAMPLE]}) if batch else examples(v2=_EXAMPLE, v1=_EXAMPLE_V1),
        replies=_REPLIES,
    )


_KEYS: Fragment = {
    "token": {"type": "apiKey", "in": "query", "name": "token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}

# Without types, since a value of any kind is taken; it keeps its own name if it is of the wrong one.
_EVENT: Fragment = {
    "type": "object",
    "properties": {
        "event_name": {"description": "A text."},
        "user": {"description": "`id`, `consistent_anonymous_id`, `consent_categories`, `email` and others."},
        "context": {"description": "`event_id`, `event_timestamp` in milliseconds, `page`, `device`, `app`."},
        "properties": {"description": "Version 1.0 has here what version 2.0 has beside `event_name`."},
    },
}
_BATCH: Fragment = {
    "type": "object",
    "properties": {"batch": {"description": "A list of events.", "items": _EVENT}},
}
_EXAMPLE: Fragment = {
    "event_name": "purchase",
    "id": "o1",
    "value": 9.5,
    "currency": "EUR",
    "user": {"id": "1", "consent_categories": ["1", "3"]},
    "context": {"event_id": "e1", "event_timestamp": "1790000000000"},
}
_EXAMPLE_V1: Fragment = {
    "event_name": "purchase",
    "event_id": "e1",
    "event_timestamp": 1790000000000,
    "properties": {"id": "o1", "value": 9.5, "currency": "EUR", "user": {"id": "1"}},
}

_ERROR = {"X-Gateway-Error": header("The code of what was refused first.")}
_REPLIES = {
    200: Reply("Whatever was wrong with the events.", [Success], {**_ERROR, **DURABLE}),
    400: Reply("The body is no JSON object, or too large.", [Failure], _ERROR),
    503: Reply("The events cannot be stored now; none was.", [Failure], {**_ERROR, **RETRY}),
}
