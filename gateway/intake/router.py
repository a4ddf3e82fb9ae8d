"""The front door: a plain ASGI callable, with one dictionary look-up from a path to its endpoint."""

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from starlette.types import ASGIApp

from gateway.errors import Overloaded, Refusal
from gateway.intake import body, cors, reply, sender
from gateway.intake.backlog import LARGE_BODY_BYTES, Backlog
from gateway.intake.endpoint import Endpoint
from gateway.journal.base import Appending
from gateway.outcome import Answer, Outcome, error
from gateway.raw import timestamps
from gateway.submission import BODY_METHODS, Submission

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

_CLOSE = (b"connection", b"close")
_NOTHING = Outcome(stored=0, accepted=0, refused=[], batch=False)


class Route(NamedTuple):
    """The endpoint of one path."""

    endpoint: Endpoint
    path: str
    """As spelled by the dialect."""
    max_bytes: int
    """The largest body that any source accepts."""


class Router:
    """
    Finds the endpoint of a request, reads the request, and answers once its events are durable.

    `endpoints` take events, `services` answer everything else. A path is found with and without /v1, with
    slashes doubled or trailing, and never redirected: that would lose the body.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        services: ASGIApp,
        journal: Appending,
        budget: body.Budget,
        backlog: Backlog,
        trusted_proxies: sender.Networks = (),
    ) -> None:
        self.journal = journal
        self.budget = budget
        self.backlog = backlog
        self.trusted_proxies = trusted_proxies
        self.routes: dict[str, Route] = {}
        self.replace_routes(endpoints, services)

    def replace_routes(self, endpoints: Iterable[Endpoint], services: ASGIApp) -> None:
        """Hand all requests to these from now on."""
        routes = {}
        for endpoint in endpoints:
            max_bytes = endpoint.sources.widest(endpoint.dialect.LIMITS)
            for path in endpoint.dialect.PATHS:
                routes[path] = routes[_plain(path)] = Route(endpoint, path, max_bytes)
        self.routes = routes
        self.short_roads = {
            path.encode(): route
            for path, route in routes.items()
            if "POST" in route.endpoint.dialect.METHODS and not self.trusted_proxies
        }
        """The routes that short_road.py may take, by their path as it is written in a request."""
        self.services = services

    async def __call__(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        started = time.perf_counter()
        method, path, pairs = scope["method"], scope["path"], scope["headers"]
        headers = to_dict(pairs)
        found = self.routes.get(path) or self.routes.get(_plain(path))
        if not found or method not in found.endpoint.dialect.METHODS or not _names_one_host(scope, headers):
            return await self._serve(scope, headers, receive, send)

        endpoint, route, max_bytes = found
        client_ip = self._client(scope) if self.trusted_proxies else scope["client"][0]
        submission = begin(method, route, headers, scope["query_string"], client_ip)
        # All in one coroutine: each further one that is awaited costs 1 % of the throughput.
        outcome: Outcome | None = None
        try:
            if method in BODY_METHODS:
                body.check_length(headers, max_bytes)
                part = await receive()
                if part["type"] == "http.disconnect":
                    return
                data = part["body"]
                if part["more_body"]:
                    data = await body.read_rest(data, receive, max_bytes, self.budget)
                if self.backlog.refuses(len(data), headers):
                    raise Overloaded
                submission.body = body.finish(data, headers, max_bytes)
            if method != "HEAD":  # which only asks whether the image exists
                size = len(submission.body)
                if size < LARGE_BODY_BYTES:
                    outcome = endpoint.process(submission)
                else:
                    outcome = await self.backlog.run(size, partial(endpoint.process, submission))
                if outcome.stored:
                    await self.journal.append(
                        (outcome.block,), outcome.carries, outcome.stored, outcome.partitions
                    )
            answer, more = reply.accept(endpoint, submission, outcome or _NOTHING)
        except Refusal as refusal:
            answer, more = reply.refuse(endpoint, submission, refusal, outcome)
        except body.Disconnected:
            return
        except Exception as bug:
            answer, more = reply.fail(endpoint, submission, bug, outcome)
        endpoint.observe(answer.status, time.perf_counter() - started)
        start, end = _messages(answer, more)
        await send(start)
        await send(end)

    async def _serve(self, scope: Scope, headers: Headers, receive: body.Receive, send: Send) -> None:
        """Answer a request that carries no events."""
        path = _plain(scope["path"])
        # Caches may keep an answer to a request without an Origin, and give it to a page of another site.
        more = cors.allow(headers.get(b"origin")) or [cors.VARY]
        found = self.routes.get(path)
        if scope["method"] == "OPTIONS":
            answer, more = Answer(204), cors.preflight(headers)
        elif not _names_one_host(scope, headers):
            # The parser allows it, and a proxy in front may have used the other one.
            answer, more = error(400), [_CLOSE]
        elif found:
            answer = error(405)
            allowed = ", ".join([*found.endpoint.dialect.METHODS, "OPTIONS"])
            more.append((b"allow", allowed.encode()))
        else:

            async def send_with(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *more]
                await send(message)

            return await self.services({**scope, "path": path, "raw_path": path.encode()}, receive, send_with)
        for message in _messages(answer, more):
            await send(message)

    def _client(self, scope: Scope) -> str:
        hops = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return sender.address(scope["client"][0], hops, self.trusted_proxies)


def begin(method: str, path: str, headers: Headers, query: bytes, client_ip: str) -> Submission:
    """Return a submission that arrives now, whose body is still to come."""
    now = time.time_ns() // 1_000_000
    return Submission(method, path, headers, query, b"", client_ip, now, _write_time(now))


# At 10,000 requests a second, ten share a millisecond.
_write_time = lru_cache(8)(timestamps.write)


def to_dict(pairs: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Return headers by name: the last of repeated ones, but all cookies, which some proxies split."""
    headers = dict(pairs)
    if len(headers) != len(pairs) and b"cookie" in headers:
        headers[b"cookie"] = b"; ".join(value for name, value in pairs if name == b"cookie")
    return headers


def _plain(path: str) -> str:
    """Return the canonical spelling of a path: without /v1, which some clients omit, and extra slashes."""
    steps = [step for step in path.split("/") if step]
    while steps and steps[0] == "v1":
        del steps[0]
    return "/" + "/".join(steps)


def _names_one_host(scope: Scope, headers: Headers) -> bool:
    """Return whether there is one Host; HTTP/1.0 may have none, since load balancers' checks do not."""
    if b"host" not in headers:
        return bool(scope["http_version"] == "1.0")
    return len(headers) == len(scope["headers"]) or sum(name == b"host" for name, _ in scope["headers"]) == 1


def _messages(answer: Answer, more: cors.Headers) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two messages by which an ASGI application answers."""
    headers = [*answer.headers, *more]
    if answer.status != 204:
        headers.append((b"content-type", answer.content_type))
        headers.append((b"content-length", b"%d" % len(answer.body)))
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    return start, {"type": "http.response.body", "body": answer.body}
