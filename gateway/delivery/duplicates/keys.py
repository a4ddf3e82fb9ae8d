"""The key of an event: a 128-bit hash of its source's name and its messageId, decoded from its line."""

from collections.abc import Sequence

import msgspec
from xxhash import xxh3_128_digest

from gateway.journal.chunk import Chunk


class _Source(msgspec.Struct, gc=False):
    name: str


class _Excerpt(msgspec.Struct, rename="camel", gc=False):
    message_id: str
    source: _Source


_decoder = msgspec.json.Decoder(_Excerpt)


def read_keys(partition: str, chunks: Sequence[Chunk]) -> list[bytes]:
    """
    Return the key of every event of `chunks`, in order.

    Among 100 million ids, two have the same key with a probability of 1.5e-23. An event that cannot be
    decoded gets a key of its own, so that it is never taken for a duplicate.
    """
    try:
        excerpts = _decoder.decode_lines(b"".join(chunk.data for chunk in chunks))
    except (msgspec.DecodeError, UnicodeDecodeError):
        excerpts = []
    if len(excerpts) == sum(chunk.count for chunk in chunks):
        return [_key(excerpt) for excerpt in excerpts]
    return [key for chunk in chunks for key in _one_by_one(partition, chunk)]


def _key(excerpt: _Excerpt) -> bytes:
    return xxh3_128_digest(f"{excerpt.source.name}\0{excerpt.message_id}".encode())


def _one_by_one(partition: str, chunk: Chunk) -> list[bytes]:
    found = []
    lines = chunk.lines()
    for place in range(chunk.count):
        try:
            found.append(_key(_decoder.decode(lines[place])))
        except (msgspec.DecodeError, UnicodeError, IndexError):
            # No source has an empty name.
            found.append(xxh3_128_digest(f"\0{partition}/{chunk.first + place}".encode()))
    return found
