"""
Send requests to the one address that a sink is configured with.

Redirects are not followed, the environment's proxies and .netrc are not used, cookies are not kept, answers
are not decompressed, and certificates are verified. aiohttp's texts are not passed on if they may show a URL.
"""

import json
import os
import re
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from gateway.config.secret import Secret
from gateway.diagnostics import exchanges
from gateway.errors import SinkError, SinkMisconfigured, SinkUnavailable
from gateway.sinks.http_client import guard
from gateway.sinks.http_client.answers import Answer

MAX_ANSWER_BYTES = 64 * 1024
_MAX_BYTES_AT_ONCE = 1024 * 1024  # aiohttp 3.14 warns of longer `bytes`, which block the loop
_MIN_MASKED_CHARACTERS = 8  # no secret is shorter, and masking shorter values would make texts unreadable
_MASK = b"********"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_OF_THE_CONNECTION = ("connection", "content-encoding", "content-length", "host", "transfer-encoding")
_HEADERS = {"User-Agent": "event-gateway", "Accept-Encoding": "identity"}
_CLOSED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)


def parse_url(text: str) -> URL:
    """Return an address for `Client.send`. Raises ValueError, which does not repeat the address."""
    expected = "expected an address such as https://example.com/path"
    try:
        url = URL(text)
    except ValueError as error:
        raise ValueError(expected) from error
    if url.scheme not in ("http", "https") or not url.host or not text.isprintable():
        raise ValueError(expected)
    if url.raw_user is not None or url.raw_password is not None:
        raise ValueError("the address must hold no user and no password; send them in a header")
    if url.raw_fragment:
        raise ValueError("the address must hold no `#`: nothing behind it is sent")
    return url


def check_header(name: str, value: str) -> None:
    """Raise ValueError, which does not repeat the value, for a header that cannot be sent as it is."""
    if name.lower() in _OF_THE_CONNECTION:
        raise ValueError(f"{name!r} is set by the gateway")
    if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
        raise ValueError(f"{name!r}: not a header of ASCII characters")


def secrets_in(url: URL) -> Iterator[Secret]:
    """Yield the parts of an address that may be secret: path and query, and each value of the query."""
    yield Secret(url.raw_path_qs)
    for parameter in url.raw_query_string.split("&"):
        yield Secret(parameter.partition("=")[2])
    yield from map(Secret, url.query.values())


class Client:
    """Sends requests. Bound to one event loop, where several may be in flight."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        seconds: float,
        masked: tuple[bytes, ...],
        max_answer_bytes: int,
    ) -> None:
        self._session = session
        self._seconds = seconds
        self._masked = masked
        self._max_answer_bytes = max_answer_bytes

    async def send(self, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Answer:
        """
        Send one request and return the answer, whatever its status.

        Once the status has arrived, nothing that happens to the rest of the answer is an error. A request on
        a kept-alive connection that the target closed is immediately sent once more, so a target may get the
        same request twice. Raises SinkUnavailable, and SinkMisconfigured if the address must not be connected
        to or TLS fails.
        """
        started = time.monotonic()
        note = partial(exchanges.note, started, method, str(url), headers, body, secrets=self._masked)
        try:
            reuse = SimpleNamespace(happened=False)
            try:
                answer = await self._exchange(method, url, headers, body, reuse)
            except _CLOSED:
                if not reuse.happened:
                    raise
                answer = await self._exchange(method, url, headers, body, reuse)
        except (aiohttp.ClientError, OSError) as error:
            failure = _failure(error, _host(url), self._seconds)
            note(error=str(failure))
            raise failure from None  # the text of the error may show the URL
        note(status=answer.status, answer_headers=answer.headers, answer=answer.body)
        return answer

    def pretend(self, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> None:
        """Note a request for the inspector without sending it."""
        exchanges.note(time.monotonic(), method, str(url), headers, body, secrets=self._masked, dry_run=True)

    async def reach(self, url: URL) -> None:
        """
        Connect to the host of an address, with TLS if it is https, and send nothing.

        Raises SinkUnavailable, and SinkMisconfigured if the address must not be connected to or TLS fails.
        """
        connector = self._session.connector
        assert connector
        try:
            request = aiohttp.ClientRequest("HEAD", url)
            connection = await connector.connect(request, [], aiohttp.ClientTimeout(connect=self._seconds))
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error, _host(url), self._seconds) from None
        connection.close()

    async def _exchange(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, reuse: SimpleNamespace
    ) -> Answer:
        async with self._session.request(
            method,
            url,
            headers=headers,
            data=body if len(body) <= _MAX_BYTES_AT_ONCE else BytesIO(body),
            allow_redirects=False,
            trace_request_ctx=reuse,
        ) as response:
            found, broken = await _read(response.content, self._max_answer_bytes)
            for secret in self._masked:
                found = found.replace(secret, _MASK)
            return Answer(_host(url), response.status, response.headers, found, broken)


@asynccontextmanager
async def open_client(
    *,
    seconds: float,
    allow_private: bool,
    secrets: Iterable[Secret] = (),
    resolver: AbstractResolver | None = None,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> AsyncIterator[Client]:
    """
    Open a client for the duration of the block.

    A whole request may take `seconds` seconds. No answer shows any of the `secrets` or a word of one, or
    more than `max_answer_bytes` of its body.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(_notice_reuse)
    connector = aiohttp.TCPConnector(
        # Not aiohttp's default, which depends on what else is installed.
        resolver=resolver or aiohttp.ThreadedResolver(),
        socket_factory=None if allow_private else guard.open_public,
        limit=0,  # callers limit their concurrent requests themselves
    )
    async with aiohttp.ClientSession(
        connector=connector,
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        trace_configs=[tracing],
    ) as session:
        yield Client(session, seconds, tuple(_masked(secrets)), max_answer_bytes)


async def _notice_reuse(session: aiohttp.ClientSession, context: SimpleNamespace, event: Any) -> None:
    context.trace_request_ctx.happened = True


async def _read(content: aiohttp.StreamReader, limit: int) -> tuple[bytes, bool]:
    """Return the first `limit` bytes of the body, and True if it is cut off before that."""
    found = bytearray()
    try:
        while part := await content.read(limit - len(found)):
            found += part
        return bytes(found), False
    except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
        return bytes(found), True


def _masked(secrets: Iterable[Secret]) -> Iterator[bytes]:
    """Yield what must not be shown, longest first: secrets, and words in them such as a bearer token."""
    texts = {secret.reveal() for secret in secrets}
    texts |= {word for text in texts for word in text.split()}
    texts |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in texts}  # as bodies spell them
    for text in sorted(texts, key=len, reverse=True):
        if len(text) >= _MIN_MASKED_CHARACTERS:
            yield text.encode()


def _host(url: URL) -> str:
    return url.host_port_subcomponent or ""


def _failure(error: Exception, host: str, seconds: float) -> SinkError:
    if isinstance(error, TimeoutError):
        return SinkUnavailable(f"{host}: no answer within {seconds:g} s")
    if isinstance(error, aiohttp.ClientSSLError):
        cause = error.os_error
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.strerror
        return SinkMisconfigured(f"{host}: TLS: {reason}")
    if isinstance(error, aiohttp.InvalidURL):
        return SinkMisconfigured(f"{host}: not a canonical IPv4 address")
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, PermissionError):
            return SinkMisconfigured(f"{host}: {error.os_error.strerror}")
        return SinkUnavailable(f"{host}: {_reason(error.os_error)}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return SinkUnavailable(f"{host}: closed the connection without an answer")
    if isinstance(error, OSError):
        return SinkUnavailable(f"{host}: {_reason(error)}")
    return SinkUnavailable(f"{host}: the answer is not HTTP")


def _reason(error: OSError) -> str:
    """Return the system's words: asyncio's are "Connect call failed", whatever happened."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "connection failed"  # from a resolver; or addresses failed in different ways
