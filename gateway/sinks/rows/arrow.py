"""
Rows as Arrow tables and Parquet files, by the types of their columns.

Nothing is inferred from values, so all files of a sink have the same schema. JSON stays text, unchanged.
"""

from array import array
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import accumulate
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from gateway.sinks.rows.envelope import ENVELOPE, LOADED_AT, REQUIRED, Column
from gateway.sinks.rows.promoted import ColumnType

_TYPES: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "json": pa.string(),
}
_DIFFERENT_IN_EACH_ROW = ("id", "position")
_NEVER_NULL = REQUIRED | {LOADED_AT.name}


class Encoder:
    """Makes Parquet files from rows with the given columns, some of which may be omitted. Immutable."""

    def __init__(
        self, columns: Sequence[Column], omitted: AbstractSet[str] = frozenset(), *, nullable: bool = False
    ) -> None:
        """If `nullable`, the schema requires no column; otherwise it requires those that no event lacks."""
        kept = [(number, column) for number, column in enumerate(columns) if column.name not in omitted]
        self._envelope = [each for each in kept if each[0] < len(ENVELOPE)]
        self._promoted = [each for each in kept if each[0] >= len(ENVELOPE)]
        own = (
            *(column for _, column in self._envelope),
            LOADED_AT,
            *(column for _, column in self._promoted),
        )
        self.schema = pa.schema(
            [pa.field(name, _TYPES[type], nullable=nullable or name not in _NEVER_NULL) for name, type in own]
        )
        # Dictionaries of values that rarely recur cost time and save nothing.
        self._dictionaries = [
            name for name, type in own if type == "text" and name not in _DIFFERENT_IN_EACH_ROW
        ]

    def convert(self, rows: Sequence[tuple[Any, ...]], loaded_at: datetime) -> pa.RecordBatch:
        """Return rows as an Arrow record batch."""
        values = list(zip(*rows, strict=True))
        loaded = pa.repeat(pa.scalar(loaded_at, _TYPES[LOADED_AT.type]), len(rows))
        arrays = [
            *(_convert(column, values[number]) for number, column in self._envelope),
            loaded,
            *(_convert(column, values[number]) for number, column in self._promoted),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def encode(self, batches: Sequence[pa.RecordBatch]) -> pa.Buffer:
        """Return a Parquet file."""
        target = pa.BufferOutputStream()
        parquet.write_table(
            pa.Table.from_batches(batches, self.schema),
            target,
            compression="zstd",
            use_dictionary=self._dictionaries,
        )
        return target.getvalue()


def _convert(column: Column, values: Sequence[Any]) -> pa.Array:
    if column.type != "json":
        return pa.array(values, _TYPES[column.type])
    if column.name not in REQUIRED:
        return pa.array([None if value is None else bytes(value) for value in values], pa.string())
    # At half the cost: consecutive values, as Arrow stores them. The intake accepts only UTF-8.
    offsets = array("i", accumulate(map(len, values), initial=0))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values)))
