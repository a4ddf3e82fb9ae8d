"""
Send events to Commanders Act's HTTP tracking API, or to another gateway, in version 2.0 of its events.

https://doc.commandersact.com/features/sources/sources-catalog/http-tracking-api: POST /events/batch of at
most 500 KB, each event of at most 32 KB, which is recognized by its `context.event_id`. It answers 200 to
nearly everything, even to events that it does not take: these are not sent.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from yarl import URL

from gateway.config.secret import Secret
from gateway.config.units import Positive, Size
from gateway.dialects.commandersact.writing import to_commandersact
from gateway.errors import MissingEvent, SinkRefused
from gateway.raw import objects, timestamps, values
from gateway.sinks.base import Batch, Connection
from gateway.sinks.http_client.answers import Answer, check
from gateway.sinks.http_client.client import Client, parse_url, secrets_in
from gateway.sinks.http_client.sink import RequestSink
from gateway.sinks.http_client.upstream import check_key, known, translate

_MAX_EVENT_BYTES = 32 * 1024


class CommandersAct(RequestSink, tag="commandersact", kw_only=True):
    site: str
    """`tc_s`."""
    token: Secret
    """The source key."""
    url: str = "https://collect.commander1.com"
    """The address before `/events/batch`."""
    batch_events: Positive = 100
    batch_bytes: Size = Size(450 * 1024)
    """Somewhat less than the 500 KB of a request, since a message may be larger than its event."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if not self.site:
            yield "site", "missing, or empty"

    def endpoint(self) -> URL:
        url = parse_url(self.url)
        if url.raw_query_string:
            raise ValueError("the address must hold no query")
        path = f"{url.path.rstrip('/').removesuffix('/events')}/events/batch"
        return url.with_path(path).with_query(tc_s=self.site, token=self.token.reveal())

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        url = self.endpoint()
        async with self.client(secrets_in(url)) as client:
            yield CommandersActConnection(client, url)


class CommandersActConnection:
    """Sends each batch as one request."""

    receipt = b""

    def __init__(self, client: Client, url: URL) -> None:
        self._client = client
        self._url = url

    async def write(self, batch: Batch, /) -> bytes:
        body = translate(batch, to_message, _MAX_EVENT_BYTES)
        judge(await self._client.send("POST", self._url, {"Content-Type": "application/json"}, body))
        return b""


def to_message(line: bytes) -> bytes:
    """
    Return a canonical line as an event of version 2.0 with everything that the API requires.

    An event that came from Commanders Act is restored as it was sent, and gets the id and time that it
    lacked, so that a second copy is recognized. Raises MissingEvent for an event without a name.
    """
    message = to_commandersact(line)
    event = objects.read(message)
    if not values.find_text(event.get("event_name")):
        raise MissingEvent("Commanders Act requires an event_name")
    context: dict[str, Any] = dict(objects.fields(event.get("context")) or {})
    has_id = values.find_label(context.get("event_id"))
    has_time = values.find_label(context.get("event_timestamp") or event.get("event_timestamp"))
    if has_id and has_time:
        return message
    canonical = objects.read(line)
    if not has_id:
        context["event_id"] = canonical["messageId"]
    if not has_time:
        context["event_timestamp"] = str(timestamps.read(values.text(canonical["timestamp"]) or ""))
    return objects.write(event | {"context": context})


def judge(answer: Answer) -> None:
    """
    Raise like `check`, and for what another gateway refuses with a 200: SinkMisconfigured if it does not know
    the token, SinkRefused for events; it gives their code but not which they are.
    """
    code = answer.headers.get("X-Gateway-Error", "")
    check_key(answer, code)
    check(answer)
    if code:
        raise SinkRefused(f"{answer.line}: {code}", code=known(code), answer=answer.words)
