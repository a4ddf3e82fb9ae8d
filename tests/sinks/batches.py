"""Batches for tests of sinks."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.errors import SinkError, SinkMisconfigured
from gateway.sinks.base import Batch, Sink
from tests.build import event_lines


def batch_of(lines: Sequence[bytes], partition: str = "0", first: int = 0, **fields: Any) -> Batch:
    data = b"".join(line + b"\n" for line in lines)
    end = first + len(lines)
    return Batch("archive", partition, first, end, range(first, end), data, **fields)


def batch(first: int, end: int, partition: str = "0", **fields: Any) -> Batch:
    """Return a batch of the events with these positions; `fields` are further ones of the batch."""
    return batch_of(event_lines(first, end), partition, first, **fields)


def write(sink: Sink, receipt: bytes, *batches: Batch) -> bytes:
    """Connect, write the batches, and return the last receipt."""

    async def write_all() -> bytes:
        async with sink.connect("archive", receipt) as connection:
            latest = connection.receipt or receipt
            for each in batches:
                latest = await connection.write(each)
        return latest

    return anyio.run(write_all, backend_options={"use_uvloop": True})


def deliver(sink: Sink, *batches: Batch) -> None:
    """Connect, and write the batches."""
    write(sink, b"", *batches)


def failure(sink: Sink, *batches: Batch) -> SinkError:
    """Connect, write the batches, and return the error that one of them ends with."""
    with pytest.raises(SinkError) as raised:
        write(sink, b"", *batches)
    return raised.value


def statement_asked_by(sink: Sink) -> str:
    """Return the statement that a sink asks an operator to run, when it gets a batch."""
    with pytest.raises(SinkMisconfigured) as raised:
        deliver(sink, batch(0, 1))
    found = re.search(r"; run: (.+)$", str(raised.value))
    assert found, str(raised.value)
    return found[1]


def lines(*files: Path) -> list[bytes]:
    """Return all lines of a file; each must be complete."""
    found: list[bytes] = []
    for file in files:
        content = file.read_bytes()
        assert content.endswith(b"\n") or not content
        found += content.split(b"\n")[:-1]
    assert all(isinstance(json.loads(line), dict) for line in found)
    return found


def others(file: Path) -> list[Path]:
    """Return the other files in the folder of a file."""
    return sorted(path for path in file.parent.iterdir() if path != file)
