"""Each event is in the file exactly once, whatever is delivered again."""

from pathlib import Path
from typing import ClassVar

import anyio
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.duckdb import DuckDb
from tests.sinks.batches import batch
from tests.sinks.duckdb_example import InFile, deliver, ids, positions, reader, sink_in


def example(folder: Path) -> DuckDb:
    return sink_in(folder)


EXAMPLES = {"": InFile}


class Impatient(DuckDb, tag="impatient", kw_only=True):
    write_seconds: ClassVar[float] = 0.001


def test_events_are_written_in_order_with_their_positions(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(3, 5), batch(0, 2, partition="1"))

    assert positions(sink) == ["0/0", "0/1", "0/2", "0/3", "0/4", "1/0", "1/1"]


def test_batches_that_come_again_in_other_sizes_are_written_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(0, 3), batch(0, 2), batch(2, 5))
    deliver(sink, batch(0, 1), batch(1, 6))

    assert ids(sink) == [f"m{number}" for number in range(6)]


def test_two_connections_at_the_same_time_write_each_event_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    async def deliver_all() -> None:
        done = 0
        while done < 10:
            try:
                async with sink.connect("archive", b"") as connection:
                    while done < 10:
                        await connection.write(batch(done, done + 1))
                        done += 1
            except SinkUnavailable:
                pass  # the other one was faster

    async def race() -> None:
        async with anyio.create_task_group() as connections:
            for _ in range(2):
                connections.start_soon(deliver_all)

    anyio.run(race)

    assert positions(sink) == [f"0/{number}" for number in range(10)]


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
