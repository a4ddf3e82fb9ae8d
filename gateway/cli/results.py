"""The rows that a query returned, as a table for people, as JSON, or as CSV."""

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Raw

from gateway.cli.printing import clean

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

_BATCH_ROWS = 2048
_MAX_TABLE_ROWS = 1000
_MAX_CELL_CHARACTERS = 80
_GAP = "  "
_NUMBERS = (int, float, Decimal)  # a column has values of one type

_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode


def print_table(found: "DuckDBPyRelation") -> None:
    """Print the first rows in columns; values are truncated and stripped of control characters."""
    rows = _rows(found)
    shown = list(islice(rows, _MAX_TABLE_ROWS))
    names = [clean(name, _MAX_CELL_CHARACTERS) for name in found.columns]
    table = [names, *([_cell(value) for value in row] for row in shown)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    are_numbers = [
        any(isinstance(value, _NUMBERS) for value in column) for column in zip(names, *shown, strict=True)
    ]
    for number, row in enumerate(table):
        cells = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, are_numbers, strict=True)
        ]
        line = _GAP.join(cells).rstrip()
        click.echo(line if number else click.style(line, bold=True))
    if next(rows, None):
        click.echo(f"gateway: only the first {_MAX_TABLE_ROWS:,} rows; --json and --csv print all", err=True)


def print_json(found: "DuckDBPyRelation") -> None:
    """Print an object per row. JSON is printed as it is."""
    names = list(_unique(found.columns))
    are_json = [str(type) == "JSON" for type in found.types]
    for row in _rows(found):
        values = (
            Raw(value.encode()) if is_json and value is not None else _value(value)
            for value, is_json in zip(row, are_json, strict=True)
        )
        click.echo(_encode(dict(zip(names, values, strict=True))))


def print_csv(found: "DuckDBPyRelation") -> None:
    """Print a header, and a line per row; NULL is empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(found.columns)
    writer.writerows(map(_value, row) for row in _rows(found))


FORMS: Mapping[str, Callable[["DuckDBPyRelation"], None]] = {
    "table": print_table,
    "json": print_json,
    "csv": print_csv,
}


def _rows(found: "DuckDBPyRelation") -> Iterator[tuple[Any, ...]]:
    """Yield the rows as they are found, so that a large result needs little memory. Raises duckdb.Error."""
    import duckdb
    import pyarrow as pa

    try:
        for batch in found.to_arrow_reader(_BATCH_ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except (OSError, pa.ArrowException) as error:  # Arrow turns DuckDB's errors into these
        raise duckdb.Error(str(error)) from error


def _unique(names: list[str]) -> Iterator[str]:
    """Yield the names; a name that came before gets a number."""
    for number, name in enumerate(names):
        same = names[:number].count(name)
        yield f"{name}_{same}" if same else name


def _value(value: Any) -> Any:
    """Return a value in which times are texts in ISO-8601."""
    if isinstance(value, datetime):
        spec = "microseconds" if value.microsecond % 1000 else "milliseconds"
        return value.isoformat(timespec=spec).replace("+00:00", "Z")
    return value


def _cell(value: Any) -> str:
    return "NULL" if value is None else clean(str(_value(value)), _MAX_CELL_CHARACTERS)
