"""
The connection to NATS, which is restored whenever it is lost.

Every request ends at its deadline or when the connection is lost, whichever comes first. The client's own
reconnection is off, because it would hold requests back and send them later.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from nats import errors
from nats.aio.msg import Msg

from gateway.config.tables import Journal
from gateway.journal.jetstream.api import STATUS
from gateway.sinks.brokers.nats_client import Client
from gateway.sinks.brokers.nats_tls import Tls, check_encrypted, reveal

log = structlog.get_logger()

_CONNECT_SECONDS = 1.0
_PAUSE_SECONDS = 0.1  # between two attempts to connect
_PING_SECONDS = 0.5  # a server that answers none of three pings is left: a suspended one closes nothing
_MAX_UNANSWERED_PINGS = 2
_CLOSE_SECONDS = 1.0
_LOOK_SECONDS = 0.2

Listener = Callable[[bytes], None]


class Away(Exception):
    """The engine does not answer; what was requested may have happened nevertheless."""


class Link:
    """A connection for one event loop. `heard` gets each message to `subject`, if one is given."""

    def __init__(self, journal: Journal, subject: str = "", heard: Listener | None = None) -> None:
        self._journal = journal
        self._subject = subject
        self._heard = heard
        self._client: Client | None = None
        self._connected = asyncio.Event()
        self._waiting: set[asyncio.Future[Msg]] = set()
        self._error = "not connected yet"
        self.connections = 0
        """The number of connections so far."""
        self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def request(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None, *, until: float
    ) -> Msg:
        """Return the answer. `until` is a time of `time.monotonic`. Raises Away."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                client = await self._get()
                asked = asyncio.ensure_future(client.request(subject, payload, timeout=60, headers=headers))
                return await self._unless_lost(asked)
        except (TimeoutError, errors.Error, OSError) as error:
            raise self._away(error) from error

    async def request_many(self, subject: str, payload: bytes, *, until: float) -> list[Msg]:
        """Return the answers to a request, up to the one with a status, which is the last. Raises Away."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                client = await self._get()
                inbox = client.new_inbox()
                answers = await client.subscribe(inbox)
                try:
                    await client.publish(subject, payload, reply=inbox)
                    found: list[Msg] = []
                    while not found or not (found[-1].headers or {}).get(STATUS):
                        answer = asyncio.ensure_future(answers.next_msg(timeout=60))
                        found.append(await self._unless_lost(answer))
                finally:
                    with suppress(errors.Error):
                        await answers.unsubscribe()
        except (TimeoutError, errors.Error, OSError) as error:
            raise self._away(error) from error
        return found

    async def announce(self, subject: str, payload: bytes) -> None:
        """Send a message that may get lost."""
        if self._client:
            with suppress(errors.Error, OSError):
                await self._client.publish(subject, payload)

    async def close(self) -> None:
        while not self._task.done():  # nats-py 2.16 ignores a cancellation while it flushes
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=_LOOK_SECONDS)

    async def _get(self) -> Client:
        while self._client is None:
            await self._connected.wait()
        return self._client

    async def _unless_lost(self, answer: asyncio.Future[Msg]) -> Msg:
        """Return the answer, which is cancelled when the connection is lost."""
        self._waiting.add(answer)
        try:
            return await answer
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if answer.cancelled() and task and not task.cancelling():
                raise errors.ConnectionClosedError from None
            answer.cancel()
            raise
        finally:
            self._waiting.discard(answer)

    def _away(self, error: Exception) -> Away:
        if isinstance(error, errors.NoRespondersError):
            return Away("no server leads the stream")
        return Away(self._error if self._client is None else str(error) or "no answer in time")

    async def _keep_connected(self) -> None:
        while True:
            lost = asyncio.Event()
            client = Client()
            try:
                await self._connect(client, lost)
            except (errors.Error, OSError, TimeoutError) as error:
                self._error = str(error) or type(error).__name__
            except asyncio.CancelledError:
                await _close(client)
                raise
            else:
                self._client = client
                self.connections += 1
                self._connected.set()
                try:
                    # The client reports this late if a hanging server has not yet read what was sent.
                    while not (lost.is_set() or client.is_closed):
                        with suppress(TimeoutError):
                            await asyncio.wait_for(lost.wait(), _LOOK_SECONDS)
                finally:
                    self._client = None
                    self._connected.clear()
                    self._error = "connection lost"
                    for answer in self._waiting:
                        answer.cancel()
                    await _close(client)
                continue
            await _close(client)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _connect(self, client: Client, lost: asyncio.Event) -> None:
        async def on_error(error: Exception) -> None:
            self._error = str(error) or type(error).__name__

        async def on_closed() -> None:
            lost.set()

        journal = self._journal
        password = journal.password
        encrypted = any(server.startswith("tls:") for server in journal.servers)
        tls = Tls.verifying(journal.ca) if encrypted else None
        async with asyncio.timeout(_CONNECT_SECONDS * len(journal.servers) + _CONNECT_SECONDS):
            await client.connect(
                list(journal.servers),
                name=f"event-gateway {journal.name}",
                error_cb=on_error,
                closed_cb=on_closed,
                disconnected_cb=on_closed,
                lame_duck_mode_cb=on_closed,  # the server is about to stop: switch to another one first
                allow_reconnect=False,
                connect_timeout=_CONNECT_SECONDS,  # type: ignore[arg-type]  # any number will do
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=_PING_SECONDS,  # type: ignore[arg-type]
                max_outstanding_pings=_MAX_UNANSWERED_PINGS,
                pending_size=64 * 1024 * 1024,
                user=journal.user or None,
                password=(lambda: reveal(password, tls)) if password else None,
                tls=tls,
            )
            check_encrypted(tls)
            if self._heard:
                heard = self._heard

                async def hear(message: Msg) -> None:
                    heard(message.data)

                await client.subscribe(self._subject, cb=hear)


async def _close(client: Client) -> None:
    with suppress(errors.Error, OSError, TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await client.close()
