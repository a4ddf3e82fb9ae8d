"""Each event is in the file exactly once, whatever is delivered again."""

from pathlib import Path
from typing import ClassVar

import anyio
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.duckdb import DuckDb
from tests.sinks.batches import batch, deliver
from tests.sinks.duckdb_example import InFile, ids, reader, sink_in


def example(folder: Path) -> DuckDb:
    return sink_in(folder)


EXAMPLES = {"": InFile}


class Impatient(DuckDb, tag="impatient", kw_only=True):
    write_seconds: ClassVar[float] = 0.001


def test_others_can_read_the_file_between_batches_and_hold_up_those_that_come_meanwhile(
    tmp_path: Path,
) -> None:
    sink = sink_in(tmp_path)

    async def write_around_a_reader() -> None:
        async with sink.connect("archive", b"") as connection:
            await connection.write(batch(0, 2))
            with reader(sink), pytest.raises(SinkUnavailable, match="Could not set lock"):
                await connection.write(batch(2, 4))
            await connection.write(batch(2, 4))

    anyio.run(write_around_a_reader)

    assert ids(sink) == ["m0", "m1", "m2", "m3"]


def test_a_batch_that_takes_too_long_is_there_once_in_the_end(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 1))
    impatient = Impatient(path=sink.path)

    with pytest.raises(SinkUnavailable, match="not written in time"):
        deliver(impatient, batch(1, 5000))
    deliver(sink, batch(1, 5000))

    assert ids(sink) == [f"m{number}" for number in range(5000)]
