"""Import of a file of products, one JSON object per line, into a catalogue."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gateway.records.base import Table
from gateway.records.products import Fault, check

_LINES_PER_COMMIT = 1000
"""The size of a commit."""


class Import:
    """An import of a file. It can be interrupted and repeated, because merging a product is idempotent."""

    def __init__(self, file: Path, catalogue: Table, site: str) -> None:
        self.file = file
        self.catalogue = catalogue
        self.site = site
        self.offset = 0
        """Number of bytes of the file that have been processed."""
        self.accepted = 0
        """Number of lines that have been merged."""
        self.refused = 0
        """Number of lines with faults."""

    def run(self) -> Iterator[list[Fault]]:
        """Merge the file, and yield the faults of each commit. Raises JournalUnavailable and OSError."""
        number = 1
        with self.file.open("rb") as file:
            while lines := list(islice(file, _LINES_PER_COMMIT)):
                good, faults = check(lines, number)
                self.catalogue.merge(self.site, good)
                number += len(lines)
                self.offset += sum(map(len, lines))
                self.accepted += len(good)
                self.refused += len({fault.line for fault in faults})
                yield faults
