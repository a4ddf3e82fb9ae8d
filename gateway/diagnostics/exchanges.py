"""
Exchanges with the targets of sinks: the request, and the answer or the reason why there is none.

Delivery says which batch is being written (`during`); the sinks' HTTP client notes its requests.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from gateway import masking
from gateway.diagnostics.shapes import MAX_BODY_BYTES

_MAX_ANSWER_BYTES = 4096
_GZIP = 31  # zlib's window bits


class Attempt(msgspec.Struct, frozen=True):
    """A batch that is being written, or some events of it."""

    batch: str
    partition: str
    first: int
    """The first position of the events."""
    end: int
    """One past the last."""
    events: int
    origin: str
    positions: tuple[int, ...]
    """Positions of the events; empty if they are all positions from first to end."""
    note: "Callable[[Exchange], object]"
    """Takes each exchange."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a sink's target and its answer, without secrets. What the target says may be hostile."""

    batch: str
    partition: str
    first: int
    """The first position of the events in the request."""
    end: int
    """One past the last."""
    events: int
    origin: str
    """live, retry or replay."""
    method: str
    url: str
    """Paths and queries that may hold secrets are masked."""
    request_headers: dict[str, str]
    request_body: str
    """At most 16 KB, inflated."""
    request_bytes: int
    """Size of the body as sent."""
    status: int | None
    """None if there was no answer."""
    error: str
    """Why there was no answer; empty for a dry run."""
    answer_headers: dict[str, str]
    answer_body: str
    """At most 4 KB."""
    milliseconds: int
    dry_run: bool = False
    """True if the request was not sent."""
    positions: tuple[int, ...] = ()
    """Positions of the events in the request; empty if they are all positions from first to end."""


class Exchange(Sent, frozen=True, kw_only=True):
    """A request and its answer, as stored."""

    at: int
    """Milliseconds since 1970."""


_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def during(attempt: Attempt) -> Iterator[None]:
    """Note the requests made in the block, and in the tasks that it starts, as those of an attempt."""
    token = _attempt.set(attempt)
    try:
        yield
    finally:
        _attempt.reset(token)


@contextmanager
def about(*positions: int) -> Iterator[None]:
    """Within `during`: note the requests made in the block as those of some events of the batch."""
    attempt = _attempt.get()
    if attempt is None:
        yield
        return
    first, end, events = min(positions), max(positions) + 1, len(positions)
    named = () if events == end - first else positions
    with during(msgspec.structs.replace(attempt, first=first, end=end, events=events, positions=named)):
        yield


def note(
    started: float,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: tuple[bytes, ...],
    status: int | None = None,
    answer_headers: Mapping[str, str] | None = None,
    answer: bytes = b"",
    error: str = "",
    dry_run: bool = False,
) -> None:
    """
    Note an exchange that began at `started`, by time.monotonic(), if a batch is being written.

    None of its texts shows any of the `secrets`.
    """
    attempt = _attempt.get()
    if attempt is None:
        return
    milliseconds = int((time.monotonic() - started) * 1000)
    attempt.note(
        Exchange(
            at=time.time_ns() // 1_000_000 - milliseconds,
            batch=attempt.batch,
            partition=attempt.partition,
            first=attempt.first,
            end=attempt.end,
            events=attempt.events,
            origin=attempt.origin,
            method=method,
            url=_show(url.encode(), len(url), secrets),
            request_headers=_show_headers(headers, secrets),
            request_body=_show(_inflate(headers, body), MAX_BODY_BYTES, secrets),
            request_bytes=len(body),
            status=status,
            error=error,
            answer_headers=_show_headers(answer_headers or {}, secrets),
            answer_body=_show(answer, _MAX_ANSWER_BYTES, secrets),
            milliseconds=milliseconds,
            dry_run=dry_run,
            positions=attempt.positions,
        )
    )


def _inflate(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the first bytes of a body that the gateway may itself have compressed."""
    if headers.get("Content-Encoding") != "gzip":
        return body
    try:
        return zlib.decompressobj(_GZIP).decompress(body, 2 * MAX_BODY_BYTES)
    except zlib.error:
        return body


def _show(text: bytes, most: int, secrets: tuple[bytes, ...]) -> str:
    # A secret that is cut in two would be shown in part, so this much more is searched but not shown.
    longest = max(map(len, secrets), default=0)
    found = text[: most + longest]
    for secret in secrets:
        found = found.replace(secret, masking.MASK.encode())
    if len(text) > most + longest:
        found = found[: max(0, len(found) - longest)]
    return masking.hide(found[:most], masking.KEYS).decode("utf-8", "replace")


def _show_headers(headers: Mapping[str, str], secrets: tuple[bytes, ...]) -> dict[str, str]:
    found = {}
    for name, text in headers.items():
        value = text.encode("utf-8", "surrogateescape")
        for secret in secrets:
            value = value.replace(secret, masking.MASK.encode())
        found[name.encode("latin-1", "replace")] = value[:_MAX_ANSWER_BYTES]
    return masking.headers(found)
