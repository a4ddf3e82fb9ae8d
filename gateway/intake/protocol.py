"""
The HTTP protocol of both ports: uvicorn's on httptools, with the limits that uvicorn lacks.

A request's head and body must arrive in time, idle connections are closed, and the size of a head and the
number of connections are limited.
"""

import time
from asyncio import BaseTransport, Transport
from collections.abc import Iterable
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.intake import short_road
from gateway.intake.connections import Limit
from gateway.intake.known_head import MAX_REQUEST_BYTES, KnownHead
from gateway.intake.receiver import Receiver
from gateway.intake.short_road import Exchange
from gateway.intake.transport import CoalescingTransport
from gateway.outcome import error

_MAX_HEAD_BYTES = 64 * 1024  # the URL of a pixel alone may have 32 KB
_MAX_HEADERS = 100
_MAX_PIPELINED = 100  # requests that wait for the answers to earlier ones

_HEAD, _BODY, _ANSWER, _UNREAD, _IDLE = range(5)
SECONDS = {_HEAD: 10.0, _BODY: 30.0, _ANSWER: float("inf"), _UNREAD: 30.0, _IDLE: 75.0}
"""Seconds that a connection may stay in each state. SDKs keep theirs open for about a minute."""
_LAST_SECONDS = 1.0  # for a connection to send one more request when the process stops


class Unacceptable(Exception):
    """The head of a request is too large, or comes where no request is allowed."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _unused = 0  # bytes received since the last piece of a body, or the last whole head
    _status = 400
    _leaving = False
    _is_ending = False
    """True if the rest of the connection is unreadable; the client is told so after the pending answers."""
    _seen: tuple[int, object] | None = None
    _since = float("inf")
    _heads: list[tuple[bytes, bytes]] | None = None
    """The headers of the last request whose head was complete."""
    receiving: Exchange | None = None
    """The request that receives the next bytes as the rest of its body, bypassing the parser."""
    _known: KnownHead | None = None
    limit = Limit()
    """On the number of connections. uvicorn creates them, so each server has a subclass with its limit."""
    has_short_road = True
    """False for a server whose application is not a Router."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast(Transport, transport))
        self.transport.set_protocol(Receiver(self))
        self.transport = cast(Transport, CoalescingTransport(self.transport))
        if not self.limit.admits(len(self.connections)):
            self._status = 503
            self.send_400_response("")

    def data_received(self, data: bytes | memoryview) -> None:
        if self._is_ending:
            return
        sent, before = b"", self.cycle
        if len(data) <= MAX_REQUEST_BYTES and self._is_between_requests():
            sent = bytes(data)
            if self._known and not self._leaving and (whole := short_road.repeat(self, self._known, sent)):
                self.cycle = whole  # type: ignore[assignment]  # it has what others read of a cycle
                return whole.complete()
        if self.receiving:
            data = self._receive_body(self.receiving, data)
            if self.transport.is_closing():
                return
        self._unused += len(data)
        try:
            while data:
                data = self._feed(data)
        except (HttpParserError, Unacceptable):
            self.send_400_response("")
        if self._unused > _MAX_HEAD_BYTES and not self._is_ending:  # of a head or of trailers
            self._status = 431
            self.send_400_response("")
        exchange = self.cycle
        if sent and exchange is not before:
            self._known = short_road.learn(self, sent) or self._known
        if (
            self.receiving is None
            and isinstance(exchange, Exchange)
            and exchange.missing
            and exchange.keep_alive
        ):
            self.receiving = exchange
            self._renew_parser()  # since this one would wait for the body

    def _is_between_requests(self) -> bool:
        """Return whether the parser has read one request to its end, and nothing of the next."""
        cycle = self.cycle
        is_done = cycle is None or (cycle.response_complete and not cycle.more_body)
        return is_done and self.headers is self._heads and not self.receiving

    def _renew_parser(self) -> None:
        self.parser = HttpRequestParser(self)
        # As in uvicorn: what follows the last request of a connection must not overtake its answer.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _receive_body(self, exchange: Exchange, data: bytes | memoryview) -> bytes | memoryview:
        """Take what belongs to a body, and return what follows it."""
        part = data[: exchange.missing]
        exchange.receive(part)
        if not exchange.missing:
            self.receiving = None
            exchange.complete()
        return data[len(part) :]

    def _feed(self, data: bytes | memoryview) -> bytes:
        """
        Parse data, and return what must be parsed again: a request that offers another protocol, without
        the offer, and what follows it. Raises HttpParserError or Unacceptable.

        The parser assumes that such a request has no body and would read the body as the next request. But
        Java's client makes the offer (h2c) with the first event of each connection.
        """
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        else:
            return b""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise Unacceptable
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self._renew_parser()
        return b"\r\n".join([*lines, b"", rest])

    def on_message_begin(self) -> None:
        """Skip the ASGI scope, which only the long road needs (see _go_the_long_road)."""
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        if isinstance(self.cycle, Exchange):
            self.cycle.receive(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # see _feed; the cycle is still that of the request before
        if isinstance(self.cycle, Exchange):
            self.cycle.complete()
        else:
            self.cycle.more_body = False  # which uvicorn leaves as it is after an early answer
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(self.cycle, Exchange):
            self.cycle.release()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # see _feed
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise Unacceptable
        if len(self.headers) > _MAX_HEADERS or (
            self._unused > _MAX_HEAD_BYTES and self._exact_head_size() > _MAX_HEAD_BYTES
        ):
            self._status = 431
            raise Unacceptable
        self._unused = 0
        self._heads = self.headers
        exchange = short_road.start(self) if self.has_short_road else None
        if exchange:
            self.cycle = exchange  # type: ignore[assignment]  # it has what others read of a cycle
        else:
            self._go_the_long_road()
        if self._leaving:
            self.cycle.keep_alive = False
        elif exchange:
            exchange.refuse_if_overloaded()

    def _go_the_long_road(self) -> None:
        """Hand the request to the ASGI application."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers = self.scope["headers"] = headers
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Do what uvicorn does, without arming a timer for each answer."""
        self.transport.flush()  # type: ignore[attr-defined]  # it is our own, and a `cast` is a call
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._is_ending:
            self._end()
        else:  # uvicorn reads on after each answer, and holds whatever a client cares to send ahead
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """
        Close the connection after its current request, or after the next if that comes within a second.

        Closing an idle connection at once would lose a request that is on its way.
        """
        self._leaving = True
        if self._is_busy():
            self.cycle.keep_alive = False
        self.loop.call_later(_LAST_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self.receiving:  # some clients read no answer before they have sent the whole body
            self.loop.call_later(_LAST_SECONDS, self._close_if_idle)
        elif not self._is_busy() and not self.transport.is_closing():
            self.transport.close()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def send_400_response(self, msg: str) -> None:
        """Refuse unreadable data once the requests before it are answered, and close the connection."""
        if self.transport.is_closing() or self._is_ending:
            return
        if self.cycle is None or not self.cycle.more_body:
            self._is_ending = self._is_busy()
        elif self.cycle.response_complete:  # the unreadable data is the rest of a body that is answered
            return self.transport.close()
        elif self.pipeline:  # it is the body of the last request, which waits for others
            self.pipeline.popleft()
            self.cycle.more_body = False
            self._is_ending = True
        if not self._is_ending:
            self._end()

    def _end(self) -> None:
        """Answer a request that never reached the gateway, with the keys that all SDKs can read."""
        body = error(self._status).body
        later = b"retry-after: 1\r\n" if self._status == 503 else b""
        self.transport.write(
            b"%bcontent-type: application/json\r\n%bcontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[self._status], later, len(body), body)
        )
        self.transport.close()

    def check(self, now: float) -> None:
        """
        Cut the connection off if it has been in one state for too long, by time.monotonic().

        To be called every second or so: to arm a timer at each change of state would cost a twentieth of
        the throughput.
        """
        state = self._state()
        if state != self._seen:
            self._seen, self._since = state, now
        elif now - self._since > SECONDS[state[0]]:
            self.transport.abort()

    def _state(self) -> tuple[int, object]:
        """Return what the connection waits for, and in which request."""
        cycle = self.cycle
        if cycle is None:
            return _HEAD, None
        if cycle.more_body:
            return _BODY, cycle
        if not cycle.response_complete:
            return (_UNREAD if self.flow.write_paused else _ANSWER), cycle
        begun = self.headers is not self._heads
        return (_HEAD if begun else _IDLE), cycle

    def _exact_head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)


def limited_to(limit: Limit, *, has_short_road: bool = True) -> type[Protocol]:
    """Return the protocol of a server with a limit of its own."""
    return type("LimitedProtocol", (Protocol,), {"limit": limit, "has_short_road": has_short_road})


def sweep(connections: Iterable[Any]) -> None:
    """Check all connections."""
    now = time.monotonic()
    for connection in list(connections):
        connection.check(now)
