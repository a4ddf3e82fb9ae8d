"""Importing a file of products, one JSON object a line, into a catalogue."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gateway.records.products import Fault, check
from gateway.records.table import Table

_LINES_PER_COMMIT = 1000
"""That are merged by one commit."""


class Import:
    """Can be broken off and begun anew: to merge a product twice changes nothing."""

    def __init__(self, file: Path, catalogue: Table, site: str) -> None:
        self.file = file
        self.catalogue = catalogue
        self.site = site
        self.offset = 0
        """Bytes of the file that are dealt with."""
        self.accepted = 0
        self.refused = 0
        """Lines."""

    def run(self) -> Iterator[list[Fault]]:
        """Go through the file, some lines a step, and tell what is wrong with them. JournalUnavailable."""
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
