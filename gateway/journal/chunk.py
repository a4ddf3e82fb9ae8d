"""
A chunk: the canonical events of one commit as JSON lines, after a header that describes them.

It is the unit of the log on every engine. The header has 48 bytes, little-endian:

    4  magic and version of the format
    4  CRC-32 of everything after it
    4  length of the lines, bytes
    4  number of events
    8  number of the first event
    8  epoch (see base.Position)
    8  time of the commit, milliseconds since 1970
    4  flags: which optional parts the events may have
    4  zeros
"""

import struct
import zlib

import msgspec

MAGIC = b"GWC\x01"
HEADER = struct.Struct("<4sIIIQQQII")

INTEGRATIONS = 1
CONSENT = 2
PRODUCTS = 4
ANYTHING = INTEGRATIONS | CONSENT | PRODUCTS
"""
Flags for the optional parts that events of a chunk may have: non-empty integrations, consent, products.

If a flag is not set, no event of the chunk has that part, so that a reader that looks only for this part need
not decode the events. A set flag promises nothing.
"""


class Chunk(msgspec.Struct, frozen=True):
    """Events that became durable together, as they are stored and read."""

    first: int
    """Number of the first event."""
    count: int
    epoch: int
    received_at: int
    """Time of the commit, in milliseconds since 1970."""
    carries: int
    """Flags, see ANYTHING."""
    data: bytes | memoryview
    """The events, one JSON object per line, each with its line end."""

    @property
    def end(self) -> int:
        """One past the number of the last event."""
        return self.first + self.count

    def lines(self) -> list[bytes]:
        """Return the events without their line ends."""
        return bytes(self.data).split(b"\n")[:-1]

    def since(self, number: int) -> "Chunk":
        """Return the chunk without the events before `number`."""
        if number <= self.first:
            return self
        data = b"".join(line + b"\n" for line in self.lines()[number - self.first :])
        return msgspec.structs.replace(self, first=number, count=self.end - number, data=data)


class Header(msgspec.Struct, frozen=True, gc=False):
    """A chunk's header as it was read, before its checksum is verified."""

    crc: int
    length: int
    """Length of the lines, in bytes."""
    count: int
    first: int
    epoch: int
    received_at: int
    carries: int

    @property
    def size(self) -> int:
        """Length of the chunk including its header, in bytes."""
        return HEADER.size + self.length


def encode_header(chunk: Chunk) -> bytes:
    """Return the header to write before a chunk's data."""
    rest = HEADER.pack(
        MAGIC, 0, len(chunk.data), chunk.count, chunk.first, chunk.epoch, chunk.received_at, chunk.carries, 0
    )[8:]
    return MAGIC + zlib.crc32(chunk.data, zlib.crc32(rest)).to_bytes(4, "little") + rest


def parse_header(buffer: bytes | memoryview, start: int) -> Header | None:
    """Return the header at `start`, not verified, or None if there is no magic or too few bytes."""
    if start + HEADER.size > len(buffer):
        return None
    magic, crc, length, count, first, epoch, received_at, carries, _ = HEADER.unpack_from(buffer, start)
    return Header(crc, length, count, first, epoch, received_at, carries) if magic == MAGIC else None


def decode(header: Header, buffer: bytes | memoryview, start: int) -> Chunk | None:
    """Return the chunk whose header is at `start`, or None if it is cut off or its checksum is wrong."""
    view = memoryview(buffer)
    data, rest = view[start + HEADER.size : start + header.size], view[start + 8 : start + HEADER.size]
    if len(data) != header.length or zlib.crc32(data, zlib.crc32(rest)) != header.crc:
        return None
    return Chunk(header.first, header.count, header.epoch, header.received_at, header.carries, data)
