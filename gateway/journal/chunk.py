"""
A chunk: the canonical events of one commit as JSON lines, behind a head that says what they are.

It is the unit of the log on every engine. The head of 48 bytes, little-endian:

    4  magic and version of the format
    4  CRC-32 of all that follows
    4  bytes of the lines
    4  events
    8  number of the first event
    8  epoch (see base.Position)
    8  time of the commit, milliseconds since 1970
    4  what the events may carry
    4  zeros
"""

import struct
import zlib

import msgspec

MAGIC = b"GWC\x01"
HEAD = struct.Struct("<4sIIIQQQII")

INTEGRATIONS = 1
CONSENT = 2
PRODUCTS = 4
ANYTHING = INTEGRATIONS | CONSENT | PRODUCTS
"""
What the events of a chunk may carry: integrations that are not empty, a consent, products. Where a bit is not
set, no event of the chunk carries it, and whoever only asks for that need not decode one.
"""


class Chunk(msgspec.Struct, frozen=True):
    """Events that became durable together."""

    first: int
    """Number of the first event."""
    count: int
    epoch: int
    received_at: int
    """When they became durable, in milliseconds since 1970."""
    carries: int
    """See ANYTHING."""
    data: bytes | memoryview
    """The events, one JSON object a line, each with its line's end."""

    @property
    def end(self) -> int:
        return self.first + self.count

    def lines(self) -> list[bytes]:
        """The events without the ends of their lines."""
        return bytes(self.data).split(b"\n")[:-1]

    def since(self, number: int) -> "Chunk":
        """What is left of it from an event on."""
        if number <= self.first:
            return self
        data = b"".join(line + b"\n" for line in self.lines()[number - self.first :])
        return msgspec.structs.replace(self, first=number, count=self.end - number, data=data)


class Head(msgspec.Struct, frozen=True, gc=False):
    """A chunk's head, as it was read and not yet believed."""

    crc: int
    length: int
    """Bytes of the lines behind it."""
    count: int
    first: int
    epoch: int
    received_at: int
    carries: int

    @property
    def size(self) -> int:
        """Bytes of the whole chunk."""
        return HEAD.size + self.length


def head(chunk: Chunk) -> bytes:
    """The head that belongs before a chunk's data."""
    rest = HEAD.pack(
        MAGIC, 0, len(chunk.data), chunk.count, chunk.first, chunk.epoch, chunk.received_at, chunk.carries, 0
    )[8:]
    return MAGIC + zlib.crc32(chunk.data, zlib.crc32(rest)).to_bytes(4, "little") + rest


def parse(buffer: bytes | memoryview, start: int) -> Head | None:
    """The head that stands at `start`, if it looks like one."""
    if start + HEAD.size > len(buffer):
        return None
    magic, crc, length, count, first, epoch, received_at, carries, _ = HEAD.unpack_from(buffer, start)
    return Head(crc, length, count, first, epoch, received_at, carries) if magic == MAGIC else None


def whole(found: Head, buffer: bytes | memoryview, start: int) -> Chunk | None:
    """The chunk whose head was found at `start`, if its checksum says that nothing of it has changed."""
    view = memoryview(buffer)
    data, rest = view[start + HEAD.size : start + found.size], view[start + 8 : start + HEAD.size]
    if len(data) != found.length or zlib.crc32(data, zlib.crc32(rest)) != found.crc:
        return None
    return Chunk(found.first, found.count, found.epoch, found.received_at, found.carries, data)
