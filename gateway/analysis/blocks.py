"""Read selected events of a journal block by block, even while a gateway appends to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import msgspec

from gateway.journal.base import Log, Position, Reader, Slice
from gateway.journal.follow import Wanted
from gateway.raw.values import UNDECODABLE
from gateway.state.jobs import Span

BLOCK_BYTES = 256 * 1024
"""About the size of a block before unwanted events are removed; what is made of it stays in the caches."""

Report = Callable[[str], None]
"""Takes a one-line report of events that cannot be read."""


class Block(msgspec.Struct, frozen=True):
    """Events of one partition, in order."""

    partition: str
    end: int
    """The position at which the next block begins."""
    positions: Sequence[int]
    """The position of each event; none if no event is wanted."""
    data: bytes
    """The events, one JSON object per line, each with its line end."""

    @property
    def lines(self) -> list[bytes]:
        """The events without line ends."""
        return self.data.split(b"\n")[:-1]


def spans(log: Log, since: int | None, until: int | None) -> dict[str, Span]:
    """
    Return, by partition, the range of positions that were committed in a period. Raises OSError.

    `since` and `until` are in milliseconds since 1970; without `until`, the range ends with the newest event.
    """
    found = {}
    for partition in log.partitions():
        with closing(log.reader(partition)) as reader:
            first = reader.oldest() if since is None else _seek(reader, since)
            end = reader.newest() if until is None else _seek(reader, until)
            found[partition] = Span(first, max(first, end))
    return found


def _seek(reader: Reader, milliseconds: int) -> int:
    # Half a millisecond more, so that rounding the seconds cannot lead to an earlier time.
    return max(reader.oldest(), reader.seek((milliseconds + 0.5) / 1000))


def read(log: Log, ranges: Mapping[str, Span], wanted: Wanted, report: Report) -> Iterator[Block]:
    """
    Yield the wanted events of ranges, partition by partition.

    Raises OSError, and UnknownPosition if a range begins past the end of the journal.
    """
    for partition, span in ranges.items():
        with closing(log.reader(partition)) as reader:
            position = span.next
            while position < span.end and (found := reader.read(Position(position), BLOCK_BYTES)):
                missing = found.damaged + found.released
                if missing:
                    reason = "damaged" if found.damaged else "no longer retained"
                    last = f" to {partition}/{position + missing - 1}" if missing > 1 else ""
                    report(f"{reason}, and left out: {partition}/{position}{last}")
                yield _admitted(_block(partition, found, span.end), wanted, report)
                position = found.end.number


def _block(partition: str, found: Slice, end: int) -> Block:
    """Return the events of a slice before the position `end`."""
    data = b"".join([chunk.data for chunk in found.chunks])
    first = found.chunks[0].first if found.chunks else found.end.number
    if found.end.number > end:
        data = b"".join(line + b"\n" for line in data.split(b"\n")[: max(0, end - first)])
    return Block(partition, min(found.end.number, end), range(first, first + data.count(b"\n")), data)


def _admitted(block: Block, wanted: Wanted, report: Report) -> Block:
    if wanted.is_everything:
        return block
    positions, lines = [], []
    for position, line in zip(block.positions, block.lines, strict=True):
        try:
            if wanted.admits(line):
                positions.append(position)
                lines.append(line + b"\n")
        except UNDECODABLE as error:
            report(f"not an event, and left out: {block.partition}/{position}: {error}")
    return Block(block.partition, block.end, positions, b"".join(lines))
