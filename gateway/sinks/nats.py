"""
Publish events to a NATS JetStream stream, each once within the stream's duplicate window.

A batch is stored as a whole or not at all (atomic batch publishing, ADR-50, NATS 2.12). Every message has the
id of its event, so the server refuses a batch that it already has; if it has only some of the events, all are
sent one by one.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, urlsplit

from anyio import move_on_after
from nats.js import api
from nats.js import errors as stream_errors

from gateway.config.secret import Secret
from gateway.config.units import Positive
from gateway.errors import Culprit, SinkError, SinkMisconfigured, SinkRefused
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.brokers import excerpt, names, nats_failures
from gateway.sinks.brokers.excerpt import Excerpt
from gateway.sinks.brokers.nats_client import Client
from gateway.sinks.brokers.nats_failures import Answer, Troubles, read_answer
from gateway.sinks.brokers.nats_tls import Tls, check_encrypted, reveal

_MAX_BATCH_EVENTS = 1000  # of an atomic batch, ADR-50
_MIN_WINDOW_SECONDS = 600
_CLOSE_SECONDS = 1
_MAX_HEADERS_BYTES = 2048
_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")
_NOT_IN_TOKENS = re.compile(r"[\s.*>%\x00-\x1f\x7f]")
_STREAM = re.compile(r"[^\s.*>/\\]+")

_ONE_BY_ONE = (nats_failures.DUPLICATE, nats_failures.INCOMPLETE, nats_failures.TOO_LARGE)

_Headers = dict[str, str]


class Nats(Sink, tag="nats", kw_only=True):
    servers: tuple[str, ...]
    """Addresses: nats://HOST:PORT, or tls://HOST:PORT."""
    stream: str = "events"
    """The stream; it is created if it is missing."""
    subject: str = "events.{source}.{type}"
    """{source} and {type} stand for an event's source and type."""
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    ca: Path | None = None
    """The CA certificates, as PEM; by default the system's."""
    batch_events: Positive = _MAX_BATCH_EVENTS

    write_seconds: ClassVar[float] = 30
    """The longest time for one batch; servers that take longer are unavailable."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if not self.servers:
            yield "servers", 'missing; expected addresses such as "nats://nats.example.com:4222"'
        for server in self.servers:
            address = urlsplit(server)
            if address.scheme not in ("nats", "tls") or not address.hostname:
                yield "servers", "expected nats://HOST:PORT, or tls://HOST:PORT"
            elif address.username or address.password:
                yield "servers", "expected the user and the password in keys of their own"
        if len({urlsplit(server).scheme for server in self.servers}) > 1:
            yield "servers", "expected nats:// for all, or tls:// for all"
        if not _STREAM.fullmatch(self.stream):
            yield "stream", "expected a name without white space, dots, wildcards and slashes"
        for text in names.mistakes(self.subject, _SUBJECT):
            yield "subject", text
        if bool(self.user) != bool(self.password):
            yield "user", "a user needs a password, and a password its user"
        if self.user and self.token:
            yield "token", "expected a user or a token"
        if self.ca and not self.ca.is_file():
            yield "ca", f"there is no file {self.ca}"
        if self.batch_events > _MAX_BATCH_EVENTS:
            yield "batch_events", f"an atomic batch has at most {_MAX_BATCH_EVENTS} messages"

    @property
    def _with_tls(self) -> bool:
        return any(server.startswith("tls:") for server in self.servers)

    @property
    def target(self) -> str:
        return f"{self.stream} at {', '.join(self.servers)}"

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        troubles = Troubles()
        client = Client()
        tls = self._tls()
        password, token = self.password, self.token
        try:
            with troubles.translated(self.write_seconds):
                await client.connect(
                    list(self.servers),
                    name=f"event-gateway {name}",
                    error_cb=troubles.add,
                    closed_cb=troubles.lost,
                    # Each server is tried twice. A lost connection is not restored, since a batch
                    # that was cut in two would never be complete.
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    allow_reconnect=False,
                    tls=tls,
                    user=self.user or None,
                    password=(lambda: reveal(password, tls)) if password else None,
                    token=(lambda: reveal(token, tls)) if token else None,
                )
                check_encrypted(tls)
                await self._prepare(client)
            yield NatsConnection(self, client, troubles)
        finally:
            with move_on_after(_CLOSE_SECONDS, shield=True):  # after a failed handshake this never ends
                await client.close()

    def _tls(self) -> Tls | None:
        try:
            return Tls.verifying(self.ca) if self._with_tls else None
        except OSError as error:  # an SSLError too
            raise SinkMisconfigured(f"ca: {self.ca}: {error.strerror or error}") from error

    async def _prepare(self, client: Client) -> None:
        """Create the stream if it is missing. Raises SinkMisconfigured if it cannot keep the promise."""
        streams = client.jetstream(timeout=self.write_seconds)
        try:
            config = (await streams.stream_info(self.stream)).config
        except stream_errors.NotFoundError:
            config = api.StreamConfig(
                name=self.stream,
                subjects=[names.with_all(self.subject, "*")],
                storage=api.StorageType.FILE,
                duplicate_window=_MIN_WINDOW_SECONDS,
                allow_atomic=True,
            )
            await streams.add_stream(config)
        if not config.allow_atomic:
            raise SinkMisconfigured(f"the stream {self.stream} must have allow_atomic (NATS 2.12)")
        if config.duplicate_window < _MIN_WINDOW_SECONDS:
            raise SinkMisconfigured(
                f"the stream {self.stream} has a duplicate_window of {config.duplicate_window:g} s; it must"
                f" have {_MIN_WINDOW_SECONDS} s, so that a batch is not stored twice after a failure"
            )
        wanted = names.with_all(self.subject, "x")
        if not any(_covers(subject, wanted) for subject in config.subjects or ()):
            raise SinkMisconfigured(f"the stream {self.stream} has no subject for {self.subject}")


class NatsConnection:
    """Publishes each batch as a whole."""

    receipt = b""

    def __init__(self, sink: Nats, client: Client, troubles: Troubles) -> None:
        self._sink = sink
        self._client = client
        self._troubles = troubles
        self._names = names.Names(sink.subject, _escape)
        self._batches = 0
        self._stored = 0
        """The events of the current batch that were published one by one and are stored."""

    async def write(self, batch: Batch, /) -> bytes:
        excerpts = excerpt.read(batch)
        headers = [self._headers(batch, *each) for each in zip(excerpts, batch.positions, strict=True)]
        self._check_sizes(batch)
        self._stored = 0
        try:
            with self._troubles.translated(self._sink.write_seconds):
                error = (await self._publish_all(batch, excerpts, headers)).error
                if error.err_code in _ONE_BY_ONE:
                    await self._publish_missing(batch, excerpts, headers)
                else:
                    nats_failures.check(error)
        except SinkError as error:
            error.delivered = range(self._stored)
            raise
        return b""

    def _headers(self, batch: Batch, each: Excerpt, number: int) -> _Headers:
        id = quote(f"{each.source.name}/{each.message_id}", safe="/:")  # a header has a single line
        headers = {
            "Nats-Msg-Id": id,
            "Nats-Expected-Stream": self._sink.stream,
            "Position": f"{batch.partition}/{number}",
        }
        return headers | {"Replay": "true"} if batch.origin == "replay" else headers

    def _check_sizes(self, batch: Batch) -> None:
        """Raise SinkRefused for events that would make the server close the connection."""
        most = self._client.max_payload - _MAX_HEADERS_BYTES
        if len(batch.data) <= most:
            return
        message = f"the message is larger than the server's max_payload, {self._client.max_payload} bytes"
        culprits = {
            index: Culprit(message, "too_large") for index, line in enumerate(batch.lines) if len(line) > most
        }
        if culprits:
            raise SinkRefused(message, culprits)

    async def _publish_all(self, batch: Batch, excerpts: list[Excerpt], headers: list[_Headers]) -> Answer:
        """Publish the batch, and return the answer to its last message."""
        self._batches += 1
        id = f"{self._client.client_id}-{self._batches}-{batch.first}"
        lines, last = batch.lines, batch.count - 1
        for index in range(batch.count):
            headers[index] |= {"Nats-Batch-Id": id, "Nats-Batch-Sequence": str(index + 1)}
            if index < last:
                await self._client.publish(
                    self._names.name(excerpts[index]), lines[index], headers=headers[index]
                )
        headers[last]["Nats-Batch-Commit"] = "1"
        return await self._request(self._names.name(excerpts[last]), lines[last], headers[last])

    async def _publish_missing(self, batch: Batch, excerpts: list[Excerpt], headers: list[_Headers]) -> None:
        """Publish each event on its own; the server skips those that it has."""
        for index, (each, line, own) in enumerate(zip(excerpts, batch.lines, headers, strict=True)):
            single = {name: value for name, value in own.items() if not name.startswith("Nats-Batch-")}
            error = (await self._request(self._names.name(each), line, single)).error
            if error.err_code == nats_failures.TOO_LARGE:
                culprit = Culprit(nats_failures.describe(error), "too_large", nats_failures.describe(error))
                raise SinkRefused(culprit.message, {index: culprit})
            nats_failures.check(error)
            self._stored = index + 1

    async def _request(self, subject: str, line: bytes, headers: _Headers) -> Answer:
        message = await self._client.request(subject, line, timeout=self._sink.write_seconds, headers=headers)
        return read_answer(message.data)


def _covers(subject: str, wanted: str) -> bool:
    """Return whether a stream's subject, which may have wildcards, stands for another."""
    tokens, others = subject.split("."), wanted.split(".")
    if tokens[-1] == ">" and len(others) >= len(tokens):
        tokens, others = tokens[:-1], others[: len(tokens) - 1]
    return len(tokens) == len(others) and all(a in ("*", b) for a, b in zip(tokens, others, strict=True))


def _escape(text: str) -> str:
    """Return a text as a token of a subject."""
    return _NOT_IN_TOKENS.sub(lambda found: f"%{ord(found[0]):02X}", text) or "%"
