"""The forms of a file of events: JSON lines, compressed JSON lines, and Parquet."""

import gzip
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gateway.analysis.blocks import Block, Report
from gateway.errors import ConfigError

_GZIP_LEVEL = 6  # 9, Python's default, takes three times as long for 1 % less


class Form(Protocol):
    """Encodes parts of a file, each on its own, and joins them. Used by one thread."""

    def add(self, block: Block, report: Report) -> int:
        """Add events to the part, and return how many. Those that the form cannot hold are reported."""

    def encode(self) -> bytes:
        """Return the part with the events that were added, and begin the next one."""

    def join(self, parts: Sequence[Path], whole: Path) -> None:
        """Write a file of all parts, without a sync. Raises OSError."""


class JsonLines:
    """The canonical events as they are in the journal, one per line."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def add(self, block: Block, report: Report) -> int:
        self._blocks.append(block.data)
        return len(block.positions)

    def encode(self) -> bytes:
        data = b"".join(self._blocks)
        self._blocks.clear()
        return data

    def join(self, parts: Sequence[Path], whole: Path) -> None:
        with whole.open("wb") as target:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, target)


class Gzip(JsonLines):
    """The same, compressed: each part is a member of a gzip file."""

    def encode(self) -> bytes:
        return gzip.compress(super().encode(), _GZIP_LEVEL, mtime=0)


class Parquet:
    """The rows of the sink `parquet`; each part is a row group."""

    def __init__(self) -> None:
        from gateway.sinks.rows.arrow import Encoder
        from gateway.sinks.rows.envelope import ENVELOPE

        self._encoder = Encoder(ENVELOPE)
        self._batches: list[object] = []

    def add(self, block: Block, report: Report) -> int:
        from gateway.analysis.columns import read_each

        _, rows = read_each(block, report)
        if rows:
            self._batches.append(self._encoder.convert(rows, datetime.now(UTC)))
        return len(rows)

    def encode(self) -> bytes:
        content = bytes(self._encoder.encode(self._batches))
        self._batches.clear()
        return content

    def join(self, parts: Sequence[Path], whole: Path) -> None:
        from pyarrow import parquet

        with parquet.ParquetWriter(whole, self._encoder.schema, compression="zstd") as target:
            for part in parts:
                target.write_table(parquet.read_table(part, partitioning=None))


_FORMS: dict[str, type[JsonLines] | type[Parquet]] = {
    ".jsonl": JsonLines,
    ".jsonl.gz": Gzip,
    ".parquet": Parquet,
}


def of(file: Path) -> Form:
    """Return the form for the extension of a file's name. Raises ConfigError."""
    found = next((form for end, form in _FORMS.items() if file.name.endswith(end)), None)
    if found is None:
        raise ConfigError(f"{file}: expected a name that ends with {', '.join(_FORMS)}")
    try:
        return found()
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is missing: pip install 'event-gateway[parquet]'") from error
