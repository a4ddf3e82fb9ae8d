"""The bytes of one event within the body of its request, if they can be told apart from the others."""

import msgspec
from msgspec import Raw


class _Batch(msgspec.Struct):
    batch: list[Raw]


_read_list = msgspec.json.Decoder(list[Raw]).decode
_read_batch = msgspec.json.Decoder(_Batch).decode


def event_bytes(body: bytes, place: int | None) -> bytes | None:
    """Return the JSON at an index of a batch, or None if the body is no batch or has no such index."""
    if place is None:
        return None
    start = body.lstrip()[:1]
    try:
        found = _read_list(body) if start == b"[" else _read_batch(body).batch
        return bytes(found[place])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError):
        return None
