"""
Lines that stand in a file although no record knows of them.

They may be of batches that were written but not recorded before a crash. Such a batch comes again from its
first event on, be it shorter or longer than it was; those of other partitions may come before it, and behind
its lines may stand those of another such batch. So a batch is looked for line by line.
"""

from collections.abc import Iterator


class Unrecorded:
    def __init__(self, content: bytes, start: int, size: int) -> None:
        """`content` is whole lines, the first of them at `start`; `size` is how many bytes are unrecorded."""
        self.start = start
        self.size = size
        """Bytes that nobody has claimed yet."""
        self._content = b"\n" + content
        self._search_from: dict[
            str, int
        ] = {}  # by partition, where the line end before its next line is at the earliest

    def claim(self, partition: str, data: bytes) -> Iterator[tuple[int, int]]:
        """
        Find the beginning of a batch, as far as it stands there: yields offset in the file and length.

        Together they are the first so many bytes of `data`. A partition whose batch has more than that is
        past what stands there, and has no claims any more.
        """
        done, at = 0, self._search_from.get(partition, 0)
        while done < len(data):
            line = data[done : data.index(b"\n", done) + 1]
            at = self._content.find(b"\n" + line, at)
            if at < 0:
                self._search_from[partition] = len(self._content)
                return
            length = _common_lines_length(self._content, at + 1, data, done)
            yield self.start + at, length
            self.size -= length
            done += length
            at += length
            self._search_from[partition] = at


def _common_lines_length(one: bytes, start: int, other: bytes, begin: int) -> int:
    """How many bytes from there on are the same in both, in whole lines."""
    same, most = 0, min(len(one) - start, len(other) - begin)
    while same < most:
        middle = (same + most + 1) // 2
        if one[start + same : start + middle] == other[begin + same : begin + middle]:
            same = middle
        else:
            most = middle - 1
    return other.rfind(b"\n", begin, begin + same) + 1 - begin
