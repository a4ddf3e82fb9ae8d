"""
Append events to a Redis or Valkey stream, each exactly once.

The position up to which a partition of the journal is written is a field of a hash next to the stream. A
script, which the server runs atomically, skips the events before the position, adds the others, and moves it.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, ClassVar
from urllib.parse import unquote, urlsplit

import msgspec
from anyio import fail_after
from redis import exceptions
from redis.asyncio import Redis as Client
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.config.secret import Secret
from gateway.config.units import Positive
from gateway.errors import SinkMisconfigured, SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink
from gateway.sinks.brokers import excerpt

_PASSING = frozenset(
    ("BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN")
)
"""The first words of temporary errors; all others need an operator (Redis 8, `src/server.c`)."""

_HASH_TAG = re.compile(r"\{[^}]+\}")
_MAX_ANSWER_CHARACTERS = 4096

# KEYS: the stream, the hash of positions. ARGV: the field of the hash, the end of the batch, the maximum
# length of the stream or 0, the partition, "true" for a replay, and three for each event. The position is set
# even if it does not change, so that WAITAOF waits for what an earlier connection wrote.
_SCRIPT = """
local stop = ARGV[2]
local known = redis.call('HGET', KEYS[2], ARGV[1]) or '0'
local position = tonumber(known)
if tonumber(stop) < position then stop = known end
for i = 6, #ARGV, 3 do
  if tonumber(ARGV[i]) >= position then
    local entry = {'message-id', ARGV[i + 1], 'position', ARGV[4] .. '/' .. ARGV[i], 'event', ARGV[i + 2]}
    if ARGV[5] ~= '' then
      entry[7], entry[8] = 'replay', ARGV[5]
    end
    redis.call('XADD', KEYS[1], '*', unpack(entry))
  end
end
redis.call('HSET', KEYS[2], ARGV[1], stop)
if ARGV[3] ~= '0' then redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[3]) end
"""


class Redis(Sink, tag="redis", kw_only=True):
    url: Secret
    """redis://USER:PASSWORD@HOST:PORT/DATABASE; rediss:// for TLS, with `?ssl_ca_certs=FILE` if need be."""
    stream: str = "events"
    """The key of the stream."""
    max_len: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The approximate maximum length of the stream: older entries are removed, even if unread. 0: none."""
    durable: bool = False
    """Wait until the server's append-only file is synced."""
    batch_events: Positive = 2000
    """The server does nothing else while it writes a batch."""

    write_seconds: ClassVar[float] = 30
    """The longest time for one batch; a server that takes longer is unavailable."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        try:
            parse_url(self.url.reveal())
        except ValueError:  # its text could repeat a part of the address
            yield "url", "expected redis://, rediss:// or unix://, with special characters percent-encoded"
        if not self.stream:
            yield "stream", "must not be empty"

    @property
    def target(self) -> str:
        return f"{self.stream} at {urlsplit(self.url.reveal()).netloc.rpartition('@')[2]}"

    @property
    def positions(self) -> str:
        """The key of the positions, which a cluster puts on the same node as the stream."""
        return f"{self.stream if _HASH_TAG.search(self.stream) else f'{{{self.stream}}}'}:positions"

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        with self.translated():
            client = Client.from_url(
                self.url.reveal(),
                single_connection_client=True,  # WAITAOF applies to the writes of its own connection
                protocol=2,
                socket_timeout=self.write_seconds,
                socket_connect_timeout=self.write_seconds,
                retry=Retry(NoBackoff(), 0),  # the worker's
            )
        try:
            connection = RedisConnection(self, client)
            await connection.check()
            yield connection
        finally:
            await client.aclose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise SinkUnavailable or SinkMisconfigured for the driver's exceptions, without the password."""
        try:
            yield
        except (exceptions.RedisError, OSError) as error:
            failure = SinkUnavailable if _may_pass(error) else SinkMisconfigured
            message = " ".join(str(error).split()) or type(error).__name__
            for secret in _secrets(self.url):
                message = message.replace(secret, "***")
            raise failure(message[:500], answer=message[:_MAX_ANSWER_CHARACTERS]) from error
        except (TypeError, ValueError):  # about options in the address, which their text could repeat
            raise SinkMisconfigured("the address has an unknown or wrong option") from None


class RedisConnection:
    """Writes each batch with one script call."""

    receipt = b""

    def __init__(self, sink: Redis, client: Client) -> None:
        self._sink = sink
        self._client = client

    async def check(self) -> None:
        """Reach the server, and find a stream or nothing under its key. Raises SinkError."""
        await self._call("XLEN", self._sink.stream)
        if self._sink.durable:
            await self._call("WAITAOF", 1, 0, 1)  # an error without an append-only file

    async def write(self, batch: Batch, /) -> bytes:
        # Each job that sends events again has its own position.
        job = "" if batch.origin == "live" else batch.suffix
        arguments: list[str | bytes | int] = [
            f"{batch.sink}/{batch.partition}/{batch.epoch:016x}{job}",
            batch.end,
            self._sink.max_len,
            batch.partition,
            "true" if batch.origin == "replay" else "",
        ]
        for each, number, line in zip(excerpt.read(batch), batch.positions, batch.lines, strict=True):
            arguments += (number, each.message_id, line)
        await self._call("EVAL", _SCRIPT, 2, self._sink.stream, self._sink.positions, *arguments)
        if self._sink.durable:
            milliseconds = int(self._sink.write_seconds * 1000)
            synced, _ = await self._call("WAITAOF", 1, 0, milliseconds)
            if not synced:
                raise SinkUnavailable("the append-only file was not synced in time")
        return b""

    async def _call(self, *command: str | bytes | int) -> Any:
        with self._sink.translated(), fail_after(self._sink.write_seconds):
            return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]  # as it is


def _may_pass(error: Exception) -> bool:
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return False
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return False
    if isinstance(error, exceptions.ResponseError):
        return (getattr(error, "status_code", None) or str(error).partition(" ")[0]) in _PASSING
    return True


def _secrets(url: Secret) -> list[str]:
    try:
        written = urlsplit(url.reveal()).password or ""
    except ValueError:
        written = ""
    return [secret for secret in (url.reveal(), written, unquote(written)) if secret]
