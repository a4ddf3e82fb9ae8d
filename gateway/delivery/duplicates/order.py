"""The order in which the events of several partitions are indexed: one generation after another."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from gateway.journal.base import Position, Slice
from gateway.journal.chunk import Chunk


def by_generation(
    slices: Mapping[str, Slice], generation: Callable[[Chunk], int], limit: int
) -> Iterator[tuple[str, Slice]]:
    """
    Yield the parts of slices with their partitions, earlier generations first.

    The parts of one partition stay in order. If a slice has reached `limit` bytes, more of its
    partition may be of the same generation; later events of the other partitions are then left out.
    """
    full = [found for found in slices.values() if size(found) >= limit]
    last = min((generation(found.chunks[-1]) for found in full), default=None)
    parts: list[tuple[int, str, Slice]] = []
    for partition, found in slices.items():
        reached = 0
        if not found.chunks:
            parts.append((reached, partition, found))
        for number, group in groupby(found.chunks, generation):
            reached = max(reached, number)  # the clock may have been set back
            if last is not None and reached > last:
                break
            chunks = list(group)
            parts.append((reached, partition, Slice(Position(chunks[-1].end, chunks[-1].epoch), chunks)))
    for _, partition, part in sorted(parts, key=lambda each: each[0]):
        yield partition, part


def size(found: Slice) -> int:
    """Return the size of the events of a slice, in bytes."""
    return sum(len(chunk.data) for chunk in found.chunks)
