"""Delta Lake tables: created and widened when a sink connects, and made durable after a commit."""

import os
from pathlib import Path

import msgspec
import pyarrow as pa
from deltalake import DeltaTable, Field, Schema

from gateway import durable
from gateway.errors import SinkMisconfigured
from gateway.sinks.lake.location import Location

_PROPERTIES = {
    # Each journal file has its own position. Those of old files need not be kept for ever.
    "delta.setTransactionRetentionDuration": "interval 30 days",
}


class _Added(msgspec.Struct):
    path: str


class _Action(msgspec.Struct):
    add: _Added | None = None


_decode_actions = msgspec.json.Decoder(_Action).decode_lines


def opened(location: Location, path: Path | None, wanted: pa.Schema) -> DeltaTable:
    """
    Return a table that has the wanted columns; create it, or add the columns that it lacks.

    Raises SinkMisconfigured if a column has another type, and the library's errors.
    """
    if path:
        durable.make_folder(path)
    schema = Schema.from_arrow(wanted)
    table = DeltaTable.create(
        location.uri,
        schema,
        mode="ignore",
        configuration=_PROPERTIES,
        storage_options=location.options,
    )
    present = {field.name: field for field in table.schema().fields}
    for field in schema.fields:
        if field.name in present and present[field.name].type != field.type:
            raise SinkMisconfigured(
                f"{location.uri}: the column {field.name} has the type {present[field.name].type},"
                f" but events have {field.type}; write to another table, or rewrite it"
            )
    missing = [Field(field.name, field.type) for field in schema.fields if field.name not in present]
    if missing:
        table.alter.add_columns(missing)
    if path and (missing or table.version() == 0):
        sync(path, table.version())
    return table


def sync(folder: Path, version: int) -> None:
    """Return once a commit to a table in a folder, with its files, is on stable storage. Raises OSError."""
    log = folder / "_delta_log"
    commit = log / f"{version:020}.json"
    added = [action.add.path for action in _decode_actions(commit.read_bytes()) if action.add]
    files = [*(folder / name for name in added), *log.glob(f"{version:020}.*"), *log.glob("_last_checkpoint")]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            durable.sync(descriptor)
        finally:
            os.close(descriptor)
    durable.sync_folder(folder)
    durable.sync_folder(log)
