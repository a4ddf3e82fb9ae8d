"""
The table `events`: the events of a journal as DuckDB reads them.

DuckDB asks an Arrow data set for a scanner of the columns and rows that a query needs. This data set decodes
only those columns, and reads only what was committed in the period that the query admits.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import dataset

from gateway.analysis import blocks
from gateway.analysis.blocks import Report
from gateway.analysis.columns import SCHEMA, Columns
from gateway.journal.base import Log
from gateway.journal.follow import Wanted

_RECEIVED_AT = "received_at"
_MAX_MILLISECONDS = 2**43  # in the year 2248
_TOLERANCE_MILLISECONDS = 3_600_000
"""
The most by which the times of an event's receipt and of its commit may differ.

They are a few milliseconds apart, unless the clock is set in between.
"""


class Events(dataset.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """
    A data set that DuckDB can scan, any number of times.

    Like Lance's, it overrides the two members that DuckDB uses: `schema` and `scanner`.
    """

    def __init__(self, log: Log, report: Report) -> None:  # Arrow's data set has no initializer
        self._log = log
        self._report = report

    @property
    def schema(self) -> pa.Schema:
        return SCHEMA

    def scanner(
        self, columns: Sequence[str] | None = None, filter: dataset.Expression | None = None, **_: Any
    ) -> dataset.Scanner:
        """Return a scanner of the columns that passes on only rows for which the filter is true."""
        needed = SCHEMA.names if columns is None else columns
        conditions = "" if filter is None else str(filter)
        # The text of a filter contains all its columns; any other name found there is decoded in vain.
        wanted = Columns([name for name in SCHEMA.names if name in needed or name in conditions])
        batches = pa.RecordBatchReader.from_batches(wanted.schema, self._batches(wanted, filter))
        return dataset.Scanner.from_batches(batches, columns=columns, filter=filter)

    def _batches(self, wanted: Columns, filter: dataset.Expression | None) -> Iterator[pa.RecordBatch]:
        since, until = (None, None) if filter is None else times(filter)
        ranges = blocks.spans(self._log, since, until)
        for block in blocks.read(self._log, ranges, Wanted(), self._report):
            yield wanted.convert(block, self._report)


def times(filter: dataset.Expression) -> tuple[int | None, int | None]:
    """
    Return the limits between which events that can meet a filter were committed; None for no limit.

    They are in milliseconds since 1970, and found by asking Arrow for which times of receipt the filter could
    be true.
    """
    column = dataset.field(_RECEIVED_AT)

    def is_admitted_until(milliseconds: int) -> bool:
        return _can_be_true(filter, column <= _instant(milliseconds))

    def is_refused_from(milliseconds: int) -> bool:
        return not _can_be_true(filter, column >= _instant(milliseconds))

    every = range(_MAX_MILLISECONDS)
    first = bisect_left(every, True, key=is_admitted_until)
    end = bisect_left(every, True, key=is_refused_from)
    return (
        first - _TOLERANCE_MILLISECONDS if first else None,
        end + _TOLERANCE_MILLISECONDS if end < _MAX_MILLISECONDS else None,
    )


def _instant(milliseconds: int) -> pa.Scalar:
    return pa.scalar(milliseconds * 1000, SCHEMA.field(_RECEIVED_AT).type)


def _can_be_true(filter: dataset.Expression, known: dataset.Expression) -> bool:
    """Return False if no row for which `known` is true can meet a filter."""
    # Arrow answers this for the files of a data set whose folders say what is known.
    form = dataset.IpcFileFormat()
    fragment = form.make_fragment(pa.py_buffer(b""), partition_expression=known)
    return any(dataset.FileSystemDataset([fragment], SCHEMA, form).get_fragments(filter))
