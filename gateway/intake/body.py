"""From the parts of a request to its body: whole, inflated and no larger than allowed."""

import re
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from anyio import to_thread

from gateway.errors import BodyTooLarge, Overloaded, UnreadableBody

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_ANY_HEADER, _NO_HEADER = 47, -15  # zlib's window bits
_PADDING = re.compile(rb"[\0\s]*+")

# Some senders compress each event by itself, so that there are as many as a batch has events. But each costs
# 10 µs, and 500 KB could hold 25,000 empty ones.
_MAX_MEMBERS = 5_000
# zlib copies what it was given and has not used, which after each of many members would be all of the rest.
_PIECE_BYTES = 16 * 1024


class Disconnected(Exception):
    """The client left before its request was complete; no answer can be sent."""


class Budget:
    """The bytes of unfinished bodies that one process may still hold."""

    def __init__(self, most: int = 64 * 1024 * 1024) -> None:
        self.left = most

    def take(self, size: int) -> None:
        if size > self.left:
            raise Overloaded
        self.left -= size

    def give_back(self, size: int) -> None:
        self.left += size


def check_length(headers: Mapping[bytes, bytes], most: int) -> None:
    """Raise BodyTooLarge before anything was read, if the length is announced."""
    announced = headers.get(b"content-length")
    if announced and int(announced) > most:
        raise BodyTooLarge


def finish(body: bytes, headers: Mapping[bytes, bytes], most: int) -> bytes:
    """
    Return a body inflated, without a BOM. `most` counts its bytes before and after inflating.

    Raises BodyTooLarge or UnreadableBody.
    """
    if len(body) > most:
        raise BodyTooLarge
    encoding = headers.get(b"content-encoding")
    if encoding or body[:2] == _GZIP:
        body = _inflate(body, (encoding or b"gzip").strip().lower(), most)
    return body.removeprefix(_BOM)


async def read(scope: Mapping[str, Any], receive: Receive, most: int, budget: Budget) -> bytes:
    """
    Read a whole body, and inflate it in a thread, since megabytes would hold up the events of others.

    Raises BodyTooLarge, UnreadableBody, Overloaded, Disconnected.
    """
    headers = dict(scope["headers"])
    check_length(headers, most)
    sent = await read_rest(b"", receive, most, budget)
    return await to_thread.run_sync(finish, sent, headers, most)


async def read_rest(start: bytes, receive: Receive, most: int, budget: Budget) -> bytes:
    """Read the rest of a body that comes in parts. Raises BodyTooLarge, Overloaded, Disconnected."""
    body = bytearray(start)
    held = 0
    try:
        while True:
            budget.take(len(body) - held)
            held = len(body)
            if held > most:
                raise BodyTooLarge
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            body += message["body"]
            if not message["more_body"]:
                return bytes(body)
    finally:
        budget.give_back(held)


def _inflate(body: bytes, encoding: bytes, most: int) -> bytes:
    if body[:2] == _GZIP:
        return _inflate_as(_ANY_HEADER, body, most)
    if encoding in (b"gzip", b"x-gzip", b"identity") or body[:1] in (b"{", b"["):
        return body  # a proxy inflated it and left the header behind
    if encoding != b"deflate":
        raise UnreadableBody("Content-Encoding may be gzip or deflate")
    try:
        return _inflate_as(_ANY_HEADER, body, most)
    except UnreadableBody:
        return _inflate_as(_NO_HEADER, body, most)


def _inflate_as(window: int, body: bytes, most: int) -> bytes:
    """All members of a compressed body as one; padding and line breaks may stand between and behind them."""
    inflated: list[bytes] = []
    place = 0
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(window)
        while not inflater.eof:
            piece = body[place : place + _PIECE_BYTES]
            if not piece:
                raise UnreadableBody("the compressed body is cut off")
            try:
                inflated.append(inflater.decompress(piece, most + 1))
            except zlib.error as error:
                raise UnreadableBody(f"cannot inflate: {error}") from error
            most -= len(inflated[-1])
            if most < 0:
                raise BodyTooLarge
            place += len(piece) - len(inflater.unused_data)
        padding = _PADDING.match(body, place)
        place = padding.end() if padding else place
        if place == len(body):
            return b"".join(inflated)
        if not body.startswith(_GZIP, place):
            raise UnreadableBody("something follows the compressed body")
    raise UnreadableBody(f"more than {_MAX_MEMBERS} compressed members")
