"""The front door: a plain ASGI callable, with one dictionary look-up from a path to its endpoint."""

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, Protocol

import structlog
from starlette.types import ASGIApp

from gateway.errors import OriginNotAllowed, Refusal
from gateway.intake import body, cors, sender
from gateway.intake.endpoint import Endpoint, count_refusal
from gateway.outcome import Answer, Outcome, error
from gateway.raw import timestamps
from gateway.submission import BODY_METHODS, Submission

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

_DURABLE = (b"x-durability", b"fsync")
_CLOSE = (b"connection", b"close")
_NOTHING = Outcome(stored=0, accepted=0, refused=[], batch=False)

log = structlog.get_logger()


class Journal(Protocol):
    def append(self, lines: Sequence[bytes], carries: int = ..., /) -> Awaitable[None]:
        """
        Done once the lines are on stable storage; TryLater if they cannot be.

        `carries` says what they may carry, as in journal/chunk.py; without it, anything.
        """
        ...


class Router:
    """
    Finds who takes a request, reads it, and answers once its events are durable.

    `endpoints` take events, `pages` answer everything else. A path is found with and
    without /v1, with slashes doubled or trailing, and never redirected: that would lose the body.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        pages: ASGIApp,
        journal: Journal,
        budget: body.Budget,
        trusted_proxies: sender.Networks = (),
    ) -> None:
        self.journal = journal
        self.budget = budget
        self.trusted_proxies = trusted_proxies
        self.routes: dict[str, tuple[Endpoint, str, int]] = {}
        self.replace_routes(endpoints, pages)

    def replace_routes(self, endpoints: Iterable[Endpoint], pages: ASGIApp) -> None:
        """Let these take all requests from now on."""
        routes = {}
        for endpoint in endpoints:
            most = endpoint.sources.widest(endpoint.dialect.LIMITS)
            for path in endpoint.dialect.PATHS:
                routes[path] = routes[_plain(path)] = (endpoint, path, most)
        self.routes = routes
        self.pages = pages

    async def __call__(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        started = time.perf_counter()
        method, path, pairs = scope["method"], scope["path"], scope["headers"]
        headers = dict(pairs)
        found = self.routes.get(path) or self.routes.get(_plain(path))
        if not found or method not in found[0].dialect.METHODS or not _one_host(headers, pairs):
            return await self._show(scope, receive, send)

        endpoint, route, most = found
        now = time.time_ns() // 1_000_000
        submission = Submission(
            method,
            route,
            headers,
            scope["query_string"],
            b"",
            self._client(scope) if self.trusted_proxies else scope["client"][0],
            now,
            timestamps.write(now),
        )
        # All in this one coroutine: each more that is awaited costs 1 % of the throughput.
        lines: list[bytes] = []
        outcome, origin = _NOTHING, headers.get(b"origin")
        try:
            if method in BODY_METHODS:
                body.check_length(headers, most)
                part = await receive()
                if part["type"] == "http.disconnect":
                    return
                whole = part["body"]
                if part["more_body"]:
                    whole = await body.read_rest(whole, receive, most, self.budget)
                submission.body = body.finish(whole, headers, most)
            if method != "HEAD":  # somebody looks whether the image is there
                lines, outcome = endpoint.process(submission)
            if lines:
                await self.journal.append(lines, outcome.carries)
            answer = endpoint.dialect.answer(submission, outcome)
            if origin and outcome.origin_denied:
                origin = None
        except Refusal as refusal:
            refusal.events = len(lines) or refusal.events
            lines = []
            count_refusal(refusal)
            answer = endpoint.dialect.refuse(submission, refusal)
            if isinstance(refusal, OriginNotAllowed):
                origin = None
        except body.Disconnected:
            return
        except Exception:
            log.exception("bug", route=route)
            lines, answer = [], error(500)
        more = cors.allow(origin)
        if lines:
            more.append(_DURABLE)
            more += [(b"set-cookie", cookie) for cookie in outcome.cookies]
        endpoint.seconds.add(time.perf_counter() - started)
        start, end = _messages(answer, more)
        await send(start)
        await send(end)

    async def _show(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        """Answer what carries no events."""
        headers, path = dict(scope["headers"]), _plain(scope["path"])
        more = cors.allow(headers.get(b"origin")) or [cors.VARY]  # it may be kept, and shown to another page
        if scope["method"] == "OPTIONS":
            answer, more = Answer(204), cors.preflight(headers)
        elif not _one_host(headers, scope["headers"]):
            # The parser lets it pass, and a proxy before us may have taken the other one.
            answer, more = error(400), [_CLOSE]
        elif path in self.routes:
            answer = error(405)
        else:

            async def send_with(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *more]
                await send(message)

            return await self.pages({**scope, "path": path, "raw_path": path.encode()}, receive, send_with)
        for message in _messages(answer, more):
            await send(message)

    def _client(self, scope: Scope) -> str:
        hops = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return sender.address(scope["client"][0], hops, self.trusted_proxies)


def _plain(path: str) -> str:
    """The one spelling of a path: hosts are configured with and without /v1, and with a slash too many."""
    steps = [step for step in path.split("/") if step]
    while steps and steps[0] == "v1":
        del steps[0]
    return "/" + "/".join(steps)


def _one_host(headers: Headers, pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    if len(headers) == len(pairs):  # no header came twice
        return b"host" in headers
    return sum(name == b"host" for name, _ in pairs) == 1


def _messages(answer: Answer, more: cors.Headers) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two messages by which an ASGI application answers."""
    headers = [*answer.headers, *more]
    if answer.status != 204:
        headers.append((b"content-type", answer.content_type))
        headers.append((b"content-length", b"%d" % len(answer.body)))
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    return start, {"type": "http.response.body", "body": answer.body}
