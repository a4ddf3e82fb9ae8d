"""
MetaRouter's custom events: any JSON object, with what makes it an event in a `_metarouter` beside or in it.

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

PATH = "/v1/custom/event"

_NAMES = ("_mrSchema", "_metarouter")
"""Of the metadata in the body; the first is the older spelling."""
_HEADER = b"x-event-metadata"

_FIELDS = {
    "writeKey": "writeKey",
    "eventName": "event",
    "eventID": "messageId",
    "timestamp": "timestamp",
    "anonymousID": "anonymousId",
    "userID": "userId",
}
"""The metadata's names and those of Segment's spec."""
_IP = "ip"

_LONGEST_PATH = 64
"""Characters: each step of a path goes through all that is left of the event."""


def decode(submission: Submission) -> DecodedSubmission:
    """One track event, whose properties are the whole object; InvalidField for metadata that is none."""
    text, repairs = bodies.readable(submission.body)
    try:
        bodies.check_text(text)
        body = objects.read(text)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    except msgspec.ValidationError as error:
        raise NotAnObject from error
    metadata = _outside(submission)
    for name in list(body):
        if slow_path.is_write_key(name):  # where an event of Segment's spec has it, and no property
            metadata["writeKey"] = body.pop(name)
    for name in _NAMES:
        if name in body:
            metadata |= _object(name, body.pop(name))
    scope = Scope(submission.headers, Value(Raw(text)), Value(Raw(text)))
    said = {name: _look_up(name, value, scope) for name, value in metadata.items()}
    given = {ours: said[theirs] for theirs, ours in _FIELDS.items() if said.get(theirs) is not None}
    if said.get(_IP) is not None:
        given["context"] = Raw(objects.write({"ip": said[_IP]}))
    message = slow_path.read_message(objects.write({"type": "track", "channel": "server", **given}))
    if isinstance(message, Rejected):
        raise message.refusal
    message.properties = Raw(objects.write(body))
    for made in repairs:
        slow_path.warn_of_repair(message, made, prefix=0)
    return DecodedSubmission([message])


def _outside(submission: Submission) -> dict[str, Raw]:
    """The metadata in the address and, which outranks it, in the header."""
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
    """A value as it stands, or what stands in the event at the path that it is."""
    text = values.find_text(value)
    if text is None or not text.startswith(("$.", "$[")):
        return value
    if len(text) > _LONGEST_PATH:
        raise InvalidField(f"{name}: a path may have {_LONGEST_PATH} characters")
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
        "What makes it one is in `_metarouter`, in the header X-Event-Metadata, or in the query: "
        "`eventName`, and `userID` or `anonymousID`. A value may be a path, such as `$.customer.id`."
    ),
    security={**HEADER_KEYS, **QUERY_KEY},
    anonymous=True,
    shapes=[_SHAPE],
    examples=examples(event={"id": "s1", "customer": {"id": "u1"}, "price": 9.5, "_metarouter": _METADATA}),
    replies=PLAIN_REPLIES,
)
