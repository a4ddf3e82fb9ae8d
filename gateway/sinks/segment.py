"""
Send events to Segment, or to anything with its HTTP API, such as another gateway.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api: POST /v1/batch of at most
500 KB and 2,500 events, each of at most 32 KB, which Segment recognizes by their messageId. It answers 200 to
events that are larger or break a rule, and drops them silently: these are not sent.
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from msgspec import UNSET, Raw, UnsetType
from yarl import URL

from gateway.config.secret import Secret
from gateway.config.units import Positive, Size
from gateway.errors import (
    Culprit,
    MissingEvent,
    MissingGroupId,
    MissingId,
    MissingPreviousId,
    SinkRefused,
    SinkUnavailable,
)
from gateway.event import FIELDS
from gateway.raw import objects
from gateway.sinks.base import Batch, Connection
from gateway.sinks.http_client.answers import MAX_WORDS_BYTES, Answer, check
from gateway.sinks.http_client.client import Client, parse_url
from gateway.sinks.http_client.sink import RequestSink
from gateway.sinks.http_client.upstream import check_key, known, translate

_NOT_EXTRAS = {*FIELDS, "writeKey", "write_key", "write-key"}
_EMPTY = Raw(b"{}")


class Segment(RequestSink, tag="segment", kw_only=True):
    url: str
    """The address before `/v1/batch`."""
    write_key: Secret
    max_event: Size = Size(32 * 1024)
    """Larger events become dead letters."""
    batch_events: Positive = 100
    batch_bytes: Size = Size(450 * 1024)
    """Somewhat less than the 500 KB of a request, since a message may be larger than its event."""

    def endpoint(self) -> URL:
        url = parse_url(self.url)
        if url.raw_query_string:
            raise ValueError("the address must hold no query")
        return url.with_path(f"{url.path.rstrip('/').removesuffix('/v1')}/v1/batch")

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        login = b64encode(f"{self.write_key.reveal()}:".encode()).decode()
        async with self.client([self.write_key, Secret(login)]) as client:
            yield SegmentConnection(self, client, login)


class SegmentConnection:
    """Sends each batch as one request."""

    receipt = b""

    def __init__(self, sink: Segment, client: Client, login: str) -> None:
        self._client = client
        self._url = sink.endpoint()
        self._max_event = sink.max_event
        self._headers = {
            "Content-Type": "application/json",
            "Authorization": f"Basic {login}",
            "X-Strict-Mode": "1",  # another gateway then answers 207 if it refuses some events
        }

    async def write(self, batch: Batch, /) -> bytes:
        body = translate(batch, to_segment, self._max_event)
        judge(await self._client.send("POST", self._url, self._headers, body), batch.count)
        return b""


class Message(msgspec.Struct, rename="camel", omit_defaults=True):
    """
    The part of a canonical event that is a Segment message.

    It has no `sentAt`: with the client's, which may be days old, the receiver would correct a `timestamp`
    that has already been corrected.
    """

    type: str
    message_id: str
    user_id: str = ""
    anonymous_id: str = ""
    group_id: str = ""
    previous_id: str = ""
    event: str = ""
    name: str = ""
    category: str = ""
    properties: Raw | UnsetType = UNSET
    traits: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET
    integrations: Raw | UnsetType = UNSET
    channel: str = ""
    timestamp: str = ""
    original_timestamp: str = ""
    extras: dict[str, Raw] | UnsetType = UNSET


_read = msgspec.json.Decoder(Message).decode
_write = msgspec.json.Encoder().encode


def to_segment(line: bytes) -> bytes:
    """
    Return a canonical line as Segment's SDKs would send the event.

    Raises MissingId, MissingEvent, MissingGroupId or MissingPreviousId for events that break Segment's rules,
    as Commanders Act's may.
    """
    message = _read(line)
    if message.type == "track" and not message.event:
        raise MissingEvent
    if message.type == "group" and not message.group_id:
        raise MissingGroupId
    if message.type == "alias" and not message.previous_id:
        raise MissingPreviousId
    if not (message.user_id or message.anonymous_id):
        raise MissingId
    if message.properties == _EMPTY:
        message.properties = UNSET
    if message.traits == _EMPTY:
        message.traits = UNSET
    if message.context == _EMPTY:
        message.context = UNSET
    if message.integrations == _EMPTY:
        message.integrations = UNSET
    if isinstance(message.extras, UnsetType):
        return _write(message)
    extras, message.extras = message.extras, UNSET
    unknown = {name: value for name, value in extras.items() if name not in _NOT_EXTRAS}
    return _write(objects.read(_write(message)) | unknown)


class Rejection(msgspec.Struct):
    """One event of a batch that another gateway refused."""

    Index: int | None = None
    code: str = ""
    Message: str = ""
    Details: str = ""


class Result(msgspec.Struct):
    """The answer of another gateway."""

    code: str = ""
    Errors: list[Raw] = msgspec.field(default_factory=list)


_read_result = msgspec.json.Decoder(Result).decode
_read_rejection = msgspec.json.Decoder(Rejection).decode


def judge(answer: Answer, count: int) -> None:
    """
    Return if the target has all `count` events.

    Raises like `check`; also SinkMisconfigured if the target does not know the write key, and SinkRefused,
    with culprits, if it names the events that it refuses.
    """
    result = _result(answer) if answer.status in (200, 207, 400) else Result()
    check_key(answer, result.code)
    culprits = _culprits(result, count)
    if culprits:
        stored = answer.status < 300
        raise SinkRefused(
            answer.line,
            culprits,
            answer=answer.words,
            delivered=[index for index in range(count) if index not in culprits] if stored else (),
        )
    if answer.status == 207 or (answer.status == 200 and result.Errors):
        if answer.broken:
            raise SinkUnavailable(f"{answer.line}, and the answer breaks off", answer=answer.words)
        raise SinkRefused(f"{answer.line}, and does not name the refused events", answer=answer.words)
    check(answer)


def _result(answer: Answer) -> Result:
    """Decode an answer; one in another form, such as RudderStack's `OK`, carries no information."""
    try:
        return _read_result(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Result()


def _culprits(result: Result, count: int) -> dict[int, Culprit]:
    """Return the refused events by index; none if any of them is not named."""
    culprits = {}
    for entry in result.Errors:
        try:
            found = _read_rejection(entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        if found.Index is None or not 0 <= found.Index < count:
            return {}
        message = ": ".join(filter(None, (found.Message, found.Details)))
        culprits[found.Index] = Culprit(message or "refused", known(found.code), _words(entry))
    return culprits


def _words(entry: Raw) -> str:
    return bytes(entry)[:MAX_WORDS_BYTES].decode(errors="replace")
