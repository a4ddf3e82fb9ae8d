"""
The short road: from the HTTP parser straight to the endpoint, for what nearly all clients send.

It does what the ASGI application (router.py) does, without a scope, a cycle, a task and a future for each
request, which take half the time of a single event. Any unusual request takes the long road.
"""

import re
import time
from asyncio import Transport
from collections.abc import Mapping, Sequence
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.errors import Overloaded, Refusal
from gateway.intake import body, cors, known_head, reply
from gateway.intake.backlog import LARGE_BODY_BYTES
from gateway.intake.known_head import KnownHead
from gateway.intake.router import Route, Router, begin
from gateway.outcome import Answer, Outcome
from gateway.submission import Submission

_QUERY = re.compile(rb"[\w.~!$&'()*+,;=:@/?%-]*")


class _NoEvent:
    """In place of the event with which uvicorn wakes a task when a connection is lost."""

    def set(self) -> None: ...


class Exchange:
    """A request on the short road and its answer, with the attributes of uvicorn's cycle that are read."""

    message_event = _NoEvent()
    more_body = True
    response_complete = disconnected = False
    _received = _held = 0
    _outcome: Outcome | None = None

    def __init__(
        self,
        connection: HttpToolsProtocol,
        router: Router,
        route: Route,
        submission: Submission,
        length: int,
        *,
        keep_alive: bool,
    ) -> None:
        self._started = time.perf_counter()
        self._connection = connection
        self._router = router
        self._route = route
        self._submission = submission
        self._length = length
        self._parts: list[bytes] = []
        self.keep_alive = keep_alive

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """The headers of the request."""
        return self._submission.headers

    @property
    def missing(self) -> int:
        """Bytes of the body that are still to come."""
        return self._length - self._received

    def refuse_if_overloaded(self) -> None:
        """Refuse a large body before it is read, if it would be refused then."""
        if self.keep_alive and self._router.backlog.refuses(self._length, self._submission.headers):
            self._settle(Overloaded())

    def receive(self, part: bytes | memoryview) -> None:
        """Take a part of the body, which counts against the budget as long as the body is not complete."""
        self._received += len(part)
        if self.response_complete:
            return
        self._parts.append(bytes(part))
        if self.missing:
            try:
                self._router.budget.take(len(part))
            except Refusal as refusal:
                return self._settle(refusal)
            self._held += len(part)

    def release(self) -> None:
        """Return to the budget what the body has taken."""
        self._router.budget.give_back(self._held)
        self._held = 0

    def complete(self) -> None:
        """Process the submission whose body is complete, and answer once its events are durable."""
        self.more_body = False
        if self.response_complete:
            return
        if self._held:
            self.release()
        submission, parts = self._submission, self._parts
        try:
            if self._router.backlog.refuses(self._length, submission.headers):
                raise Overloaded
            data = parts[0] if len(parts) == 1 else b"".join(parts)
            submission.body = body.finish(data, submission.headers, self._route.max_bytes)
            self._parts = []
            size = len(submission.body)
            if size >= LARGE_BODY_BYTES:
                return self._router.backlog.add(size, self._process)
        except Refusal as refusal:
            return self._settle(refusal)
        except Exception as bug:
            return self._send(*reply.fail(self._route.endpoint, submission, bug, None))
        self._process()

    def _process(self) -> None:
        endpoint, submission = self._route.endpoint, self._submission
        try:
            self._outcome = outcome = endpoint.process(submission)
            if outcome.stored:
                journal = self._router.journal
                return journal.append_then(
                    outcome.block, outcome.carries, outcome.stored, self._settle, outcome.partitions
                )
            answer, headers = reply.accept(endpoint, submission, outcome)
        except Refusal as refusal:
            return self._settle(refusal)
        except Exception as bug:
            answer, headers = reply.fail(endpoint, submission, bug, self._outcome)
        self._send(answer, headers)

    def _settle(self, refusal: Refusal | None) -> None:
        """Answer a submission that is durable now, or was refused as a whole."""
        endpoint, submission, outcome = self._route.endpoint, self._submission, self._outcome
        try:
            if refusal:
                answer, headers = reply.refuse(endpoint, submission, refusal, outcome)
            else:
                assert outcome
                answer, headers = reply.accept(endpoint, submission, outcome)
        except Exception as bug:  # which must not affect the others in the same commit
            answer, headers = reply.fail(endpoint, submission, bug, outcome)
        self._send(answer, headers)

    def _send(self, answer: Answer, headers: cors.Headers) -> None:
        self._route.endpoint.observe(answer.status, time.perf_counter() - self._started)
        if self._held:
            self.release()
        self._parts = []
        self.response_complete = True
        connection = self._connection
        if self.disconnected:
            return
        transport: Transport = connection.transport.direct  # type: ignore[attr-defined]  # see protocol.py
        if not transport.is_closing():
            common = connection.server_state.default_headers
            if len(headers) == 1 and headers[0] is self._route.endpoint.promise.header and self.keep_alive:
                transport.write(_durable_answers.encode(answer, headers[0], common))
            else:
                transport.write(_encode(answer, headers, common, close=not self.keep_alive))
            if not self.keep_alive:
                transport.close()
        connection.on_response_complete()


def start(connection: HttpToolsProtocol) -> Exchange | None:
    """Return the exchange of a request whose head is complete; None if the request must go the long road."""
    router: Router = connection.app
    path, _, query = connection.url.partition(b"?")
    route = router.short_roads.get(path)
    if route is None or (query and not _is_plain(query)):
        return None
    cycle, parser, pairs = connection.cycle, connection.parser, connection.headers
    if (
        (cycle is not None and not cycle.response_complete)
        or connection.flow.write_paused
        or parser.get_method() != b"POST"
        or parser.get_http_version() != "1.1"
        or connection.client is None
    ):
        return None
    headers = dict(pairs)
    if len(headers) != len(pairs) or b"host" not in headers or b"expect" in headers:
        return None
    announced = headers.get(b"content-length")
    if announced is None or (length := int(announced)) > route.max_bytes:
        return None
    submission = begin("POST", route.path, headers, query, connection.client[0])
    keep_alive = parser.should_keep_alive()
    return Exchange(connection, router, route, submission, length, keep_alive=keep_alive)


def learn(connection: HttpToolsProtocol, sent: bytes) -> KnownHead | None:
    """Return the head of the request just parsed; None if `repeat` cannot use it."""
    exchange = connection.cycle
    if isinstance(exchange, Exchange) and exchange.keep_alive:
        return known_head.learn(sent, connection.url, exchange.headers)
    return None


def repeat(connection: HttpToolsProtocol, known: KnownHead, sent: bytes) -> Exchange | None:
    """Return the exchange of a complete request with a known head; None if it must be parsed."""
    found = known.split(sent)
    router: Router = connection.app
    route = router.short_roads.get(known.path)
    if found is None or route is None or connection.flow.write_paused or connection.client is None:
        return None
    length, body = found
    if len(body) > route.max_bytes:
        return None
    headers = {**known.headers, b"content-length": length}
    submission = begin("POST", route.path, headers, known.query, connection.client[0])
    exchange = Exchange(connection, router, route, submission, len(body), keep_alive=True)
    exchange.receive(body)
    return exchange


# Nearly all events of a source come to one URL.
@lru_cache(64)
def _is_plain(query: bytes) -> bool:
    """Return whether every URL parser leaves a query as it is."""
    return _QUERY.fullmatch(query) is not None


Header = tuple[bytes, bytes]


class _DurableAnswers:
    """
    Remembers the encoded answers to stored events; within a second, nearly all are the same.

    `common` are the headers that uvicorn adds to all answers; it makes a new list of them each second.
    """

    _MOST = 64

    def __init__(self) -> None:
        self._promise: Header | None = None
        self._common: Sequence[Header] = ()
        self._encoded: dict[Answer, bytes] = {}

    def encode(self, answer: Answer, promise: Header, common: Sequence[Header]) -> bytes:
        if common is not self._common or promise is not self._promise or len(self._encoded) > self._MOST:
            self._common, self._promise, self._encoded = common, promise, {}
        encoded = self._encoded.get(answer)
        if encoded is None:
            encoded = self._encoded[answer] = _encode(answer, [promise], common)
        return encoded


_durable_answers = _DurableAnswers()


def _encode(answer: Answer, headers: cors.Headers, common: Sequence[Header], *, close: bool = False) -> bytes:
    """Encode an answer, with its headers in the order of the long road."""
    length = b"%d" % len(answer.body)
    of_body = ((b"content-type", answer.content_type), (b"content-length", length))
    lines = (b"%b: %b\r\n" % header for header in (*common, *answer.headers, *headers, *of_body))
    last = b"connection: close\r\n\r\n" if close else b"\r\n"
    return b"".join((STATUS_LINE[answer.status], *lines, last, answer.body))
