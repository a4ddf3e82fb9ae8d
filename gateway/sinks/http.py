"""
Send events to a webhook: one request per batch or per event, signed as in Standard Webhooks.

https://www.standardwebhooks.com, specification 1.0.0. `webhook-id` is the same whenever the same events are
sent, so a receiver can recognize what it already has.
"""

import gzip
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import quote

import anyio
import msgspec
from anyio import to_thread
from yarl import URL

from gateway.config.secret import Secret, Secrets
from gateway.config.units import Positive
from gateway.diagnostics import exchanges
from gateway.errors import Culprit, SinkError, SinkMisconfigured, SinkRefused
from gateway.sinks.base import Batch, Connection
from gateway.sinks.http_client.answers import check
from gateway.sinks.http_client.client import Client, check_header, parse_url, secrets_in
from gateway.sinks.http_client.sink import RequestSink
from gateway.webhooks import signature

_OURS = ("webhook-id", "webhook-signature", "webhook-timestamp", "x-gateway-replay")
_MAX_BYTES_ON_LOOP = 64 * 1024  # compressing more takes longer than a thread costs


class Http(RequestSink, tag="http", kw_only=True):
    url: Secret
    """Secret because webhook addresses often contain a token."""
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, Secret] = msgspec.field(default_factory=dict)
    body: Literal["batch", "lines", "event"] = "batch"
    """`{"batch": [...]}`, one event per line, or one event per request."""
    secret: Secrets = Secrets()
    """Signs each request; with several secrets, as during a rotation, each of them signs."""
    compress: Literal["", "gzip"] = ""
    batch_events: Positive = 100

    once_by_batch = True
    sends_each_event = True

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if self.in_flight > 1 and self.body != "event":
            yield "in_flight", 'only `body = "event"` has several requests at a time'
        for secret in self.secret:
            try:
                signature.check_secret("standard", secret.reveal())
            except ValueError as error:
                yield "secret", str(error)
        for name, value in self.headers.items():
            if name.lower() in _OURS:
                yield "headers", f"{name!r} is set by the gateway"
                continue
            try:
                check_header(name, value.reveal())
            except ValueError as error:
                yield "headers", str(error)

    def endpoint(self) -> URL:
        return parse_url(self.url.reveal())

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        secrets = [*self.headers.values(), *self.secret, *secrets_in(self.endpoint())]
        async with self.client(secrets) as client:
            yield HttpConnection(self, client)


class HttpConnection:
    """Sends the batch as one request, or its events in lanes."""

    receipt = b""

    def __init__(self, sink: Http, client: Client, now: Callable[[], float] = time.time) -> None:
        self._sink = sink
        self._client = client
        self._now = now
        self._url = sink.endpoint()
        self._secrets = [secret.reveal() for secret in sink.secret]
        self._headers = {
            "Content-Type": "application/x-ndjson" if sink.body == "lines" else "application/json",
            **({"Content-Encoding": sink.compress} if sink.compress else {}),
            **{name.title(): value.reveal() for name, value in sink.headers.items()},
        }

    async def write(self, batch: Batch, /) -> bytes:
        if self._sink.body == "event":
            await self._write_events(batch)
        elif self._sink.body == "lines":
            await self._send(batch, batch.id, batch.data)
        else:
            await self._send(batch, batch.id, b'{"batch":[%b]}' % batch.data[:-1].replace(b"\n", b","))
        return b""

    async def _send(self, batch: Batch, id: str, body: bytes) -> None:
        # A dot would make the signed text ambiguous, and sink names may have any characters.
        id = quote(id, safe="/").replace(".", "%2E")
        if len(body) > _MAX_BYTES_ON_LOOP and (self._secrets or self._sink.compress):
            headers, body = await to_thread.run_sync(self._prepare, batch, id, body)
        else:
            headers, body = self._prepare(batch, id, body)
        check(await self._client.send(self._sink.method, self._url, headers, body))

    def _prepare(self, batch: Batch, id: str, body: bytes) -> tuple[dict[str, str], bytes]:
        seconds = int(self._now())
        headers = {**self._headers, "Webhook-Id": id, "Webhook-Timestamp": str(seconds)}
        if self._secrets:
            # Signs what receivers see: frameworks and proxies decompress a body before it is verified.
            headers["Webhook-Signature"] = signature.sign(self._secrets, id, seconds, body)
        if batch.origin == "replay":
            headers["X-Gateway-Replay"] = "true"
        return headers, gzip.compress(body, mtime=0) if self._sink.compress else body

    async def _write_events(self, batch: Batch) -> None:
        """
        Send each event on its own. Raises the first failure that concerns the target, else SinkRefused with
        all refused events; either error names the delivered events.
        """
        lines = batch.lines
        delivered: list[int] = []
        culprits: dict[int, Culprit] = {}
        failures: list[SinkError] = []
        waiting = iter(_by_person(lines) if self._sink.in_flight > 1 else [range(len(lines))])

        async def send_next_persons() -> None:
            for indexes in waiting:
                for index in indexes:
                    if failures:
                        return
                    position = batch.positions[index]
                    id = f"{batch.sink}/{batch.partition}/{position}-{position + 1}{batch.suffix}"
                    try:
                        with exchanges.about(position):
                            await self._send(batch, id, lines[index])
                    except SinkRefused as error:
                        culprits[index] = Culprit(str(error), error.code, error.answer)
                    except SinkError as error:
                        failures.append(error)
                    else:
                        delivered.append(index)

        async with anyio.create_task_group() as group:
            for _ in range(self._sink.in_flight):
                group.start_soon(send_next_persons)
        if failures:
            worst = next((each for each in failures if isinstance(each, SinkMisconfigured)), failures[0])
            worst.delivered = delivered
            raise worst
        if culprits:
            first = culprits[min(culprits)]
            raise SinkRefused(first.message, culprits, answer=first.answer, delivered=delivered)


class Person(msgspec.Struct, rename="camel"):
    """An excerpt of an event: the ids of its person."""

    user_id: str = ""
    anonymous_id: str = ""


_read_person = msgspec.json.Decoder(Person).decode


def _by_person(lines: Sequence[bytes]) -> list[list[int]]:
    """Return the indexes of each person's events, in order; an event without a person is on its own."""
    persons: dict[str | int, list[int]] = {}
    for index, line in enumerate(lines):
        person = _read_person(line)
        persons.setdefault(person.user_id or person.anonymous_id or index, []).append(index)
    return list(persons.values())
