"""The delta sink: rows of its table, each once, and what becomes of other tables."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, Schema

from gateway.config.secret import Secret
from gateway.errors import SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch, Sink
from gateway.sinks.delta import Delta
from gateway.sinks.lake.location import locate
from tests.build import event_line
from tests.sinks import seaweed
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.delta_example import InBucket, InFolder, in_bucket, rows
from tests.sinks.seaweed import Server

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def example(folder: Path) -> Sink:
    """Return a sink for the contract tests."""
    return Delta(path=folder / "table")


EXAMPLES = {"folder": InFolder, "bucket": InBucket}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table"


def ids(sink: Delta) -> list[str]:
    return [row["id"] for row in rows(sink)]


def test_a_row_is_the_event(table: Path) -> None:
    line = event_line(0, name="é").replace(b'"properties":{}', b'"properties":{"b":1.10,"a":1e2}')

    write(Delta(path=table), b"", batch_of([line], "0", 41))

    [row] = rows(Delta(path=table))
    assert (row["id"], row["name"], row["position"], row["group_id"]) == ("m0", "é", "0/41", None)
    assert (row["timestamp"], row["properties"]) == (NOON, '{"b":1.10,"a":1e2}')


def test_a_batch_is_a_file_of_a_commit(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 3), batch(3, 5))

    assert DeltaTable(table).version() == 2
    assert len(list(table.glob("*.parquet"))) == 2


@pytest.mark.parametrize(
    ("again", "found"),
    [
        pytest.param(batch(0, 4), 4, id="the same"),
        pytest.param(batch(0, 2), 4, id="shorter"),
        pytest.param(batch(0, 6), 6, id="longer"),
        pytest.param(batch(2, 6), 6, id="overlapping"),
    ],
)
def test_what_a_crash_has_left_unrecorded_is_not_written_again(
    table: Path, again: Batch, found: int
) -> None:
    write(Delta(path=table), b"", batch(0, 4))

    write(Delta(path=table), b"", again)

    assert ids(Delta(path=table)) == [f"m{number}" for number in range(found)]


def test_positions_count_in_their_partition_and_epoch_alone(table: Path) -> None:
    write(Delta(path=table), b"", batch(0, 4, epoch=1))

    write(Delta(path=table), b"", batch(0, 2, "1", epoch=1), batch(0, 2, epoch=2))

    assert len(ids(Delta(path=table))) == 8


def test_a_second_process_does_not_write_the_same_events(table: Path) -> None:
    import anyio

    async def race() -> None:
        sink = Delta(path=table)
        async with sink.connect("archive", b"") as one, sink.connect("archive", b"") as other:
            await one.write(batch(0, 4))
            await other.write(batch(0, 4))
            with pytest.raises(SinkUnavailable, match="Concurrent transaction"):
                async with anyio.create_task_group() as both:
                    both.start_soon(one.write, batch(4, 8))
                    both.start_soon(other.write, batch(4, 8))
