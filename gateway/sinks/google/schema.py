"""The table of the sink `bigquery`: created and widened when it connects, never while it writes."""

from collections.abc import Sequence
from typing import Any

from gateway.errors import SinkMisconfigured
from gateway.sinks.google.service import Service
from gateway.sinks.rows.envelope import LOADED_AT, Column
from gateway.sinks.rows.promoted import ColumnType

# Parquet files cannot be loaded into JSON columns; the JSON functions accept a STRING as well.
TYPES: dict[ColumnType, str] = {
    "text": "STRING",
    "integer": "INTEGER",
    "number": "FLOAT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "json": "STRING",
}
"""The types of columns, as the API writes them."""


async def prepare(service: Service, project: str, dataset: str, table: str, columns: Sequence[Column]) -> str:
    """
    Create the table and the columns that are missing, and return the location of the table.

    Raises SinkUnavailable, or SinkMisconfigured with the statement to run for what an operator must change.
    """
    wanted = [_field(column) for column in (*columns, LOADED_AT)]
    found = await service.table(dataset, table)
    if found is None:
        reference = {"projectId": project, "datasetId": dataset, "tableId": table}
        found = await service.create_table(
            dataset,
            {
                "tableReference": reference,
                "schema": {"fields": wanted},
                "timePartitioning": {"type": "DAY", "field": "received_at"},
                "clustering": {"fields": ["source", "type", "event"]},
            },
        )
    fields = found.get("schema", {}).get("fields", [])
    known = {field["name"].lower(): field for field in fields}
    quoted = f"`{project}.{dataset}.{table}`"
    for field in wanted:
        name = field["name"]
        other = known.get(name, field)
        if other["type"] != field["type"] or other.get("mode") == "REPEATED":
            raise SinkMisconfigured(
                f"the column {name} of {quoted} has the type {other['type']}; run: "
                f"ALTER TABLE {quoted} RENAME COLUMN {name} TO {name}_old"
            )
    names = {field["name"] for field in wanted}
    for name, field in known.items():
        # A file whose values may be missing cannot be loaded into a required column.
        if field.get("mode") == "REQUIRED" and (name in names or "defaultValueExpression" not in field):
            raise SinkMisconfigured(
                f"the column {name} of {quoted} is REQUIRED; run: "
                f"ALTER TABLE {quoted} ALTER COLUMN {name} DROP NOT NULL"
            )
    missing = [field for field in wanted if field["name"] not in known]
    if missing:
        await service.change_table(dataset, table, {"schema": {"fields": [*fields, *missing]}})
    return str(found.get("location", "US"))


def _field(column: Column) -> dict[str, Any]:
    return {"name": column.name, "type": TYPES[column.type], "mode": "NULLABLE"}
