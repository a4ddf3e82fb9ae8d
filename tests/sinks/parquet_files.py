"""Parquet files, read back as users read them."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyarrow import parquet


def read(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of a file."""
    rows: list[dict[str, Any]] = parquet.ParquetFile(io.BytesIO(content)).read().to_pylist()
    return rows


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of the Parquet files below a folder by their names, in order."""
    found = sorted(folder.rglob("*.parquet"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def rows(found: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return the rows of all files, in the order of their names."""
    return [row for name in sorted(found) if name.endswith(".parquet") for row in read(found[name])]


def ids(found: Mapping[str, bytes]) -> list[str]:
    """Return the ids of all events, in the order of the files' names."""
    return [row["id"] for row in rows(found)]
