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


def read_keys(partition: str, chunks: Sequence[Chunk], *, by_partition: bool = False) -> list[bytes]:
    """
    Return the key of every event of `chunks`, in order; with `by_partition`, no two partitions share a key.

    Among 100 million ids, two have the same key with a probability of 1.5e-23. An event that cannot be
    decoded gets a key of its own, so that it is never taken for a duplicate.
    """
    try:
        excerpts = _decoder.decode_lines(b"".join(chunk.data for chunk in chunks))
    except (msgspec.DecodeError, UnicodeDecodeError):
        excerpts = []
    scope = f"{partition}/" if by_partition else ""  # no source has a slash in its name
    if len(excerpts) == sum(chunk.count for chunk in chunks):
        return [_key(scope, excerpt) for excerpt in excerpts]
    return [key for chunk in chunks for key in _one_by_one(partition, scope, chunk)]


def _key(scope: str, excerpt: _Excerpt) -> bytes:
    return xxh3_128_digest(f"{scope}{excerpt.source.name}\0{excerpt.message_id}".encode())


def _one_by_one(partition: str, scope: str, chunk: Chunk) -> list[bytes]:
    found = []
    lines = chunk.lines()
    for place in range(chunk.count):
        try:
            found.append(_key(scope, _decoder.decode(lines[place])))
        except (msgspec.DecodeError, UnicodeError, IndexError):
            # No source has an empty name.
            found.append(xxh3_128_digest(f"\0{partition}/{chunk.first + place}".encode()))
    return found
