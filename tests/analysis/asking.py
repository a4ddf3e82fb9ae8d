"""Journals to ask, and what a statement returns."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.analysis.database import opened
from gateway.analysis.table import Events
from gateway.journal.chunk import Chunk
from gateway.journal.segments.files import Header
from tests.build import JOURNAL, open_log
from tests.journal.crafted import write_file

HOUR_MS = 3_600_000
START_MS = 1_790_000_000_000
"""A time in 2026."""


def ask(folder: Path, sql: str, report: Callable[[str], None] = print) -> list[tuple[Any, ...]]:
    """Return the rows that a statement finds in the journal of a folder."""
    with opened(Events(open_log(folder), report)) as connection:
        return [tuple(row.values()) for row in connection.sql(sql).to_arrow_table().to_pylist()]


def keep_at(folder: Path, times: Sequence[int], lines: Sequence[bytes]) -> None:
    """Write a partition with a chunk of one event for each time, in milliseconds since 1970."""
    chunks = [
        Chunk(number, 1, 7, time, 0, line + b"\n")
        for number, (time, line) in enumerate(zip(times, lines, strict=True))
    ]
    write_file(folder, Header(JOURNAL, int(folder.name), 7, 0, times[0]), *chunks)
