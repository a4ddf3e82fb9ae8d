"""Terms: the parts of an event that are indexed, so that a search need not read every event."""

from collections.abc import Iterable, Iterator
from typing import Literal

from xxhash import xxh3_64_intdigest

from gateway.inspector.search.excerpts import Excerpt

Kind = Literal["message_id", "user", "event", "source", "type", "code", "verdict"]

_KINDS: tuple[Kind, ...] = ("message_id", "user", "event", "source", "type", "code", "verdict")
_SALTS = {kind: place for place, kind in enumerate(_KINDS)}

Term = tuple[Kind, str]

REPAIRED: Term = ("verdict", "repaired")


def key(term: Term, seed: int) -> int:
    """Return the hash of a term, 48 bits. Nobody can make two terms collide without knowing the seed."""
    kind, text = term
    return xxh3_64_intdigest(text.encode(errors="surrogatepass"), seed + _SALTS[kind]) >> 16


def keys(excerpts: Iterable[Excerpt], seed: int) -> Iterator[int]:
    """Yield the hash of each term of events, most hashes only once."""
    excerpts = list(excerpts)
    texts: dict[Kind, set[str]] = {
        "message_id": {each.message_id for each in excerpts},
        "user": {each.user_id for each in excerpts} | {each.anonymous_id for each in excerpts},
        "event": {each.title for each in excerpts},
        "source": {each.source.name for each in excerpts},
        "type": {each.type for each in excerpts},
        "code": {note.code for each in excerpts for note in each.warnings},
    }
    for kind, found in texts.items():
        salt = seed + _SALTS[kind]
        found.discard("")
        yield from (xxh3_64_intdigest(text.encode(), salt) >> 16 for text in found)
    if texts["code"]:
        yield key(REPAIRED, seed)
