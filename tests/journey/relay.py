"""A proxy that records every exchange and passes it on unchanged."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.gateway import PATIENCE

_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding")


class Exchange(NamedTuple):
    """A request and the status of its answer."""

    method: str
    path: str
    headers: dict[str, str]
    """The names are in lower case."""
    body: bytes
    status: int

    @property
    def inflated(self) -> bytes:
        return gzip.decompress(self.body) if "content-encoding" in self.headers else self.body

    @property
    def json(self) -> Any:
        """The decoded body; NaN as Python reads it."""
        return json.loads(self.inflated)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of its batch, or the single event."""
        events: list[dict[str, Any]] = self.json.get("batch", [self.json])
        return events


class Relay:
    """
    Forwards requests to the port of a gateway, one at a time, and records them in order.

    Concurrent requests of a client are therefore ordered. `before_answer` is called for each exchange before
    its client receives the answer.
    """

    def __init__(self, port: int, before_answer: Callable[["Relay"], None]) -> None:
        self.gateway = port
        self.before_answer = before_answer
        self.exchanges: list[Exchange] = []
        self.turn = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.relay = self  # type: ignore[attr-defined]  # read by the handler
        self.port = self.server.server_port


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def pass_on(self) -> None:
        relay: Relay = self.server.relay  # type: ignore[attr-defined]  # as above
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with relay.turn:
            connection = HTTPConnection("127.0.0.1", relay.gateway, timeout=PATIENCE)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body or None)
                response = connection.getresponse()
                answer = response.read()
            finally:
                connection.close()
            headers = {name.lower(): value for name, value in self.headers.items()}
            relay.exchanges.append(Exchange(self.command, self.path, headers, body, response.status))
            relay.before_answer(relay)
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_OPTIONS = pass_on

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing; `exchanges` has everything."""


def when(status: int, times: int, act: Callable[[], None]) -> Callable[[Relay], None]:
    """Return a `before_answer` that calls `act` at the given number of answers with a status."""

    def look(relay: Relay) -> None:
        if [exchange.status for exchange in relay.exchanges].count(status) == times:
            act()

    return look


@contextmanager
def relay(port: int, before_answer: Callable[[Relay], None] = lambda relay: None) -> Iterator[Relay]:
    """Run a relay for the duration of the block."""
    open_relay = Relay(port, before_answer)
    thread = threading.Thread(target=open_relay.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield open_relay
    finally:
        open_relay.server.shutdown()
        thread.join()
        open_relay.server.server_close()
