"""
The columns of the table `events`: those of the envelope of rows, and the canonical event itself.

Only the columns that a query needs are decoded: all events of a block at once or, if one of them cannot be
decoded that way, one by one, as the sinks with tables do.
"""

from array import array
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import accumulate
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from gateway.analysis.blocks import Block, Report
from gateway.raw.values import UNDECODABLE
from gateway.sinks.rows.envelope import ENVELOPE, REQUIRED, Column, Rows
from gateway.sinks.rows.promoted import ColumnType
from gateway.sinks.rows.repaired import read_repaired

CANONICAL = Column("canonical", "json")
"""The canonical event, as it stands in the journal."""

COLUMNS = (*ENVELOPE, CANONICAL)

_ARROW: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),  # DuckDB's own type, so that it compares without conversion
    "json": pa.string(),
}
_IS_JSON = {"ARROW:extension:name": "arrow.json", "ARROW:extension:metadata": ""}
"""Metadata that tells DuckDB that a text is JSON."""

SCHEMA = pa.schema(
    [pa.field(name, _ARROW[type], metadata=_IS_JSON if type == "json" else None) for name, type in COLUMNS]
)

_VALUES: dict[ColumnType, Any] = {
    "text": str,
    "timestamp": Annotated[datetime, msgspec.Meta(tz=True)],
    "json": Raw,
}


class _Origin(msgspec.Struct, rename="camel", gc=False):
    name: str
    dialect: str
    site_id: str | UnsetType = UNSET
    route: str | UnsetType = UNSET


class _More(msgspec.Struct, rename="camel", gc=False):
    integrations: Raw | UnsetType
    warnings: Raw | UnsetType
    extras: Raw | UnsetType
    native: Raw | UnsetType
    site_id: str | UnsetType
    route: str | UnsetType


_NO_INTEGRATIONS = Raw(b"{}")
_encode_lines = msgspec.json.Encoder().encode_lines


def _more(event: Any) -> _More:
    integrations = UNSET if event.integrations == _NO_INTEGRATIONS else event.integrations
    source = event.source
    return _More(integrations, event.warnings, event.extras, event.native, source.site_id, source.route)


_VALUE_OF: dict[str, Callable[[Any], Any]] = {
    "source": attrgetter("source.name"),
    "dialect": attrgetter("source.dialect"),
    "more": _more,
}
"""How to find the value of a column if an event has no field of the same name."""

_FIELDS_OF_MORE = ("integrations", "warnings", "extras", "native")
_TIMES_OF_MORE = ("sent_at", "original_timestamp")
"""If they cannot be read, they belong to `more`: the decoder then fails, and the event is read on its own."""

_FROM_THE_BLOCK = ("position", CANONICAL.name)


class Columns:
    """Makes record batches of the given columns alone. Immutable."""

    def __init__(self, names: Sequence[str]) -> None:
        wanted = {column.name: column for column in COLUMNS if column.name in names}
        self._columns = [wanted[name] for name in names]
        self.schema = pa.schema([SCHEMA.field(name) for name in names])
        self._values = {
            column.name: _VALUE_OF.get(column.name) or attrgetter(column.name)
            for column in self._columns
            if column.name not in _FROM_THE_BLOCK
        }
        self._decode = _decoder(set(self._values))

    def convert(self, block: Block, report: Report) -> pa.RecordBatch:
        """Return the columns of a block. Lines that are not events are left out, and reported."""
        found = self._decoded(block)
        if found is None:
            block, rows = read_each(block, report)
            values = dict(zip((name for name, _ in ENVELOPE), zip(*rows, strict=True), strict=False))
            found = {name: list(values.get(name, ())) for name in self._values}
        arrays = [self._array(column, block, found) for column in self._columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _decoded(self, block: Block) -> dict[str, list[Any]] | None:
        """Return the values of the decoded columns, or None if one of the lines cannot be decoded."""
        if not self._values:
            return {} if _is_unicode(block.data) else None
        if not _is_unicode(block.data):
            return None
        try:
            events = self._decode(block.data)
        except UNDECODABLE:
            return None
        if len(events) != len(block.positions):  # empty lines are skipped
            return None
        found = {name: list(map(value, events)) for name, value in self._values.items()}
        if "more" in found:
            found["more"] = _encode_lines(found["more"]).split(b"\n")[:-1]
        return found

    def _array(self, column: Column, block: Block, found: dict[str, list[Any]]) -> pa.Array:
        if column.name == "position":
            return pa.array([f"{block.partition}/{each}" for each in block.positions], pa.string())
        if column.name == CANONICAL.name:
            return _texts(block.lines)
        if column.type == "json":
            return _texts(found[column.name])
        return pa.array(found[column.name], _ARROW[column.type])


_ROWS = Rows({})


def read_each(block: Block, report: Report) -> tuple[Block, list[tuple[Any, ...]]]:
    """Return a block and its rows, both without the lines that are not events, which are reported."""
    positions, lines, rows = [], [], []
    for position, line in zip(block.positions, block.lines, strict=True):
        place = f"{block.partition}/{position}"
        try:
            line.decode()
            rows.append(read_repaired(_ROWS, line, place))
        except UNDECODABLE as error:
            report(f"not an event, and left out: {place}: {error}")
        else:
            positions.append(position)
            lines.append(line + b"\n")
    return msgspec.structs.replace(block, positions=positions, data=b"".join(lines)), rows


def _decoder(names: AbstractSet[str]) -> Callable[[bytes], list[Any]]:
    """Return a decoder of lines that reads what these columns need and skips everything else."""
    needed = names | set(_TIMES_OF_MORE if "more" in names else ())
    fields: list[Any] = [("source", _Origin)] if names & _VALUE_OF.keys() else []
    for name, type in ENVELOPE:
        if name in needed and name not in _VALUE_OF:
            fields.append((name, _VALUES[type]) if name in REQUIRED else (name, _VALUES[type] | None, None))
    if "more" in names:
        fields += [(name, Raw | UnsetType, UNSET) for name in _FIELDS_OF_MORE]
    fields.sort(key=len)  # those without a default come first
    excerpt = msgspec.defstruct("Excerpt", fields, rename=_rename, gc=False)
    return msgspec.json.Decoder(excerpt).decode_lines


def _rename(name: str) -> str:
    """Return the key of the event's field for the name of a column."""
    first, *others = ("message_id" if name == "id" else name).split("_")
    return first + "".join(map(str.capitalize, others))


def _is_unicode(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _texts(values: Sequence[bytes | Raw]) -> pa.Array:
    """Return texts that are known to be UTF-8 in Arrow's layout: one after the other."""
    offsets = array("i", accumulate(map(len, values), initial=0))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values)))
