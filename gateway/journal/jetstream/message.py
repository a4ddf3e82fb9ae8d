"""A message of a stream: one chunk, as described in chunk.py."""

from typing import NamedTuple

import msgspec
from nats.aio.msg import Msg

from gateway.journal import chunk
from gateway.journal.chunk import Chunk
from gateway.journal.jetstream import api
from gateway.journal.jetstream.tail import Tail

ID = "Gateway-Chunk"
"""The header with the id that the appender gave to the chunk."""


class Stored(NamedTuple):
    """A message as a stream has it."""

    sequence: int
    chunk: Chunk | None
    """None if it is damaged. Its time is by the server's clock, which is the same for all gateways."""
    id: str

    @property
    def tail(self) -> Tail:
        """The end of the partition when this was its last message."""
        if self.chunk is None:
            return Tail(self.sequence, 0, 0)
        return Tail(self.sequence, self.chunk.end, self.chunk.epoch)


def parse(message: Msg) -> Stored | None:
    """Return the message in the answer to a direct get; None if there is no such message."""
    headers = message.headers or {}
    if api.STATUS in headers:
        return None
    header = chunk.parse_header(message.data, 0)
    found = chunk.decode(header, message.data, 0) if header else None
    if found:
        found = msgspec.structs.replace(found, received_at=api.milliseconds(headers[api.TIMESTAMP]))
    return Stored(int(headers[api.SEQUENCE]), found, headers.get(ID, ""))
