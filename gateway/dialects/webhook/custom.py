"""
MetaRouter's custom events: any JSON object, and metadata in its `_metarouter`, in a header or in the query.

https://docs.metarouter.io/docs/http-api
"""

import msgspec
from msgspec import Raw

from gateway.dialects.shared import slow_path
from gateway.dialects.shared.describing import HEADER_KEYS, PLAIN_REPLIES, QUERY_KEY
from gateway.errors import InvalidField, NotAnObject, UnreadableBody
from gateway.message import DecodedSubmission, Rejected
from gateway.operation import Fragment, Operation, examples
from gateway.raw import bodies, objects, values
from gateway.submission import Submission
from gateway.webhooks.places import Place, Scope, Value
from gateway.webhooks.redaction import without_keys

PATH = "/v1/custom/event"

_NAMES = ("_mrSchema", "_metarouter")
"""Names of the field with the metadata in the body; the first is the older spelling."""
_HEADER = b"x-event-metadata"

_FIELDS = {
    "writeKey": "writeKey",
    "eventName": "event",
    "eventID": "messageId",
    "timestamp": "timestamp",
    "anonymousID": "anonymousId",
    "userID": "userId",
}
"""From the metadata's names to those of the Segment spec."""
_IP = "ip"
_DESCRIBING = {*_FIELDS, _IP} - {"writeKey"}

_MAX_PATH_CHARACTERS = 64
"""Limited because each step of a path decodes all the rest of the event."""


def is_described(submission: Submission) -> bool:
    """Return whether the header or the query has metadata, so that the body alone is not the event."""
    return _HEADER in submission.headers or not _DESCRIBING.isdisjoint(submission.parameters)


def decode(submission: Submission, body: bytes, write_key: str | None) -> DecodedSubmission:
    """
    Return one track event whose properties are the whole object, without the write key outside the body.

    Raises UnreadableBody, NotAnObject, and InvalidField for metadata that cannot be read.
    """
    text, repairs = bodies.readable(body)
    try:
        bodies.check_text(text)
        if write_key:
            text = without_keys(text, (write_key,))
        event = objects.read(text)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    except msgspec.ValidationError as error:
        raise NotAnObject from error
    metadata = _outside(submission)
    for name in list(event):
        if slow_path.is_write_key(name):  # as in an event of the Segment spec; it is not a property
            metadata["writeKey"] = event.pop(name)
    for name in _NAMES:
        if name in event:
            metadata |= _object(name, event.pop(name))
    scope = Scope(submission.headers, Value(Raw(text)), Value(Raw(text)))
    found = {name: _look_up(name, value, scope) for name, value in metadata.items()}
    given = {ours: found[theirs] for theirs, ours in _FIELDS.items() if found.get(theirs) is not None}
    if found.get(_IP) is not None:
        given["context"] = Raw(objects.write({"ip": found[_IP]}))
    message = slow_path.read_message(objects.write({"type": "track", "channel": "server", **given}))
    if isinstance(message, Rejected):
        raise message.refusal
    message.properties = Raw(objects.write(event))
    for made in repairs:
        slow_path.warn_of_repair(message, made, prefix=0)
    return DecodedSubmission([message])


def _outside(submission: Submission) -> dict[str, Raw]:
    """Return the metadata in the query and in the header, which outranks it."""
    parameters = submission.parameters
    query = {name: Raw(objects.write(parameters[name])) for name in (*_FIELDS, _IP) if name in parameters}
    header = submission.headers.get(_HEADER)
    return query | (_object("X-Event-Metadata", header) if header else {})


def _object(name: str, value: bytes | Raw) -> dict[str, Raw]:
    try:
        text, _ = bodies.readable(bytes(value))
        bodies.check_text(text)
        return objects.read(text)
    except (UnreadableBody, *values.UNDECODABLE) as error:
        raise InvalidField(f"{name}: expected an object") from error


def _look_up(name: str, value: Raw, scope: Scope) -> Raw | None:
    """Return a value as it is or, if it is a path, what the event has there."""
    text = values.find_text(value)
    if text is None or not text.startswith(("$.", "$[")):
        return value
    if len(text) > _MAX_PATH_CHARACTERS:
        raise InvalidField(f"{name}: a path may have {_MAX_PATH_CHARACTERS} characters")
    try:
        return Place.parse(text).find(scope)
    except ValueError as error:
        raise InvalidField(f"{name}: {error}") from error


_METADATA = {"eventName": "Item Sold", "eventID": "$.id", "userID": "$.customer.id"}
_SHAPE: Fragment = {
    "type": "object",
    "properties": {
        "_metarouter": {
            "type": "object",
            "properties": {name: {"type": ["string", "number", "null"]} for name in (*_FIELDS, _IP)},
        }
    },
}
OPERATION = Operation(
    summary="Any object as a track event",
    description=(
        "Its metadata is in `_metarouter`, in the header X-Event-Metadata, or in the query: `eventName`, and "
        "`userID` or `anonymousID`. A value may be a path, such as `$.customer.id`."
    ),
    security={**HEADER_KEYS, **QUERY_KEY},
    anonymous=True,
    shapes=[_SHAPE],
    examples=examples(event={"id": "s1", "customer": {"id": "u1"}, "price": 9.5, "_metarouter": _METADATA}),
    replies=PLAIN_REPLIES,
)
