"""Assemble the body of a request from its parts: complete, inflated and no larger than allowed."""

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

# Some senders compress each event of a batch on its own. Each member costs 10 µs, and 500 KB could hold
# 25,000 empty ones.
_MAX_MEMBERS = 5_000
# zlib copies the input that it has not used: without pieces, all that is left after each of many members.
_PIECE_BYTES = 16 * 1024


class Disconnected(Exception):
    """The client left before its request was complete; no answer can be sent."""


class Budget:
    """How many more bytes of unfinished bodies one process may hold."""

    def __init__(self, most: int = 64 * 1024 * 1024) -> None:
        self.left = most

    def take(self, size: int) -> None:
        if size > self.left:
            raise Overloaded
        self.left -= size

    def give_back(self, size: int) -> None:
        self.left += size


def check_length(headers: Mapping[bytes, bytes], most: int) -> None:
    """Raise BodyTooLarge before anything is read, if the announced length is too large."""
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
    Read a whole body, and inflate it in a thread, since inflating megabytes would delay other events.

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
        return body  # a proxy has inflated it and kept the header
    if encoding != b"deflate":
        raise UnreadableBody("Content-Encoding may be gzip or deflate")
    try:
        return _inflate_as(_ANY_HEADER, body, most)
    except UnreadableBody:
        return _inflate_as(_NO_HEADER, body, most)


def _inflate_as(window: int, body: bytes, most: int) -> bytes:
    """Join all members of a compressed body; padding and line breaks may separate and follow them."""
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
