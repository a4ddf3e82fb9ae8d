"""
Lines in a sink's file that no recorded receipt covers.

They may belong to batches that were written but not recorded before a crash. Such a batch is delivered again
from its first event, but may end earlier or later than before. Batches of other partitions, and retries, may
precede it, and its lines may be followed by those of another such batch. Batches are therefore matched line
by line.
"""

from collections.abc import Hashable, Iterator


class Unrecorded:
    """The end of a file, with the bytes that batches may still claim. Not thread-safe."""

    def __init__(self, content: bytes, start: int, size: int) -> None:
        """`content` holds complete lines from offset `start` on; `size` of its bytes are unrecorded."""
        self.start = start
        self.size = size
        """Number of bytes not yet claimed by a batch."""
        self._content = b"\n" + content
        self._search_from: dict[Hashable, int] = {}
        """By stream, the lowest offset in `_content` of the line end before its next line."""

    def claim(self, stream: Hashable, data: bytes) -> Iterator[tuple[int, int]]:
        """
        Yield the ranges of the file that hold the start of a batch, as offset and length in bytes.

        Together they hold the first bytes of `data`, in order. `stream` is the partition and the origin,
        within which batches come again in the same order. Once a stream delivers a batch with lines that are
        not in the file, it is past the unrecorded lines and cannot claim any more.
        """
        done, offset = 0, self._search_from.get(stream, 0)
        while done < len(data):
            line = data[done : data.index(b"\n", done) + 1]
            offset = self._content.find(b"\n" + line, offset)
            if offset < 0:
                self._search_from[stream] = len(self._content)
                return
            length = _common_lines_length(self._content, offset + 1, data, done)
            yield self.start + offset, length
            self.size -= length
            done += length
            offset += length
            self._search_from[stream] = offset


def _common_lines_length(one: bytes, start: int, other: bytes, begin: int) -> int:
    """Return how many bytes are equal in both from the given offsets on, in complete lines."""
    same, most = 0, min(len(one) - start, len(other) - begin)
    while same < most:
        middle = (same + most + 1) // 2
        if one[start + same : start + middle] == other[begin + same : begin + middle]:
            same = middle
        else:
            most = middle - 1
    return other.rfind(b"\n", begin, begin + same) + 1 - begin
