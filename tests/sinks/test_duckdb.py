"""Each event is in the file exactly once, whatever is delivered again."""

from pathlib import Path
from typing import ClassVar

import anyio
import msgspec
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Origin
from gateway.sinks.duckdb import DuckDb
from tests.sinks.batches import batch
from tests.sinks.duckdb_example import InFile, deliver, ids, reader, run, sink_in


def example(folder: Path) -> DuckDb:
    return sink_in(folder)


EXAMPLES = {"": InFile}


class Impatient(DuckDb, tag="impatient", kw_only=True):
    write_seconds: ClassVar[float] = 0.001


def of(original: Batch, *, origin: Origin = "live", epoch: int = 0) -> Batch:
    return msgspec.structs.replace(original, origin=origin, epoch=epoch)


def positions(sink: DuckDb) -> list[str]:
    return [position for (position,) in run(sink, "SELECT position FROM events ORDER BY rowid")]


def test_events_are_written_in_order_with_their_positions(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(3, 5), batch(0, 2, partition="1"))

    assert positions(sink) == ["0/0", "0/1", "0/2", "0/3", "0/4", "1/0", "1/1"]


def test_batches_that_come_again_in_other_sizes_are_written_once(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(0, 3), batch(0, 2), batch(2, 5))
    deliver(sink, batch(0, 1), batch(1, 6))

    assert ids(sink) == [f"m{number}" for number in range(6)]


def test_a_batch_with_filtered_events_is_cut_by_its_positions(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 6))
    lines = b"".join(line + b"\n" for line in batch(0, 10).lines[1::3])

    deliver(sink, Batch("archive", "0", 0, 10, (1, 4, 7), lines))

    assert positions(sink)[6:] == ["0/7"]


def test_a_range_whose_events_are_all_written_moves_the_position(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 3))

    deliver(sink, Batch("archive", "0", 0, 9, (1,), batch(1, 2).data))

    assert ids(sink) == ["m0", "m1", "m2"]
    assert run(sink, "SELECT position FROM events_positions") == [(9,)]


def test_positions_are_those_of_a_sink_a_partition_and_an_epoch(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    other = msgspec.structs.replace(batch(0, 1), sink="other")

    deliver(sink, batch(0, 1), other, batch(0, 1, partition="1"), of(batch(0, 1), epoch=2**64 - 1))

    assert positions(sink) == ["0/0", "0/0", "1/0", "0/0"]


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


@pytest.mark.parametrize("origin", ["retry", "replay"])
def test_a_retry_or_a_replay_adds_only_what_is_missing(tmp_path: Path, origin: Origin) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 3), batch(4, 6))

    deliver(sink, of(batch(2, 6), origin=origin), of(batch(2, 6), origin=origin))

    assert ids(sink) == ["m0", "m1", "m2", "m4", "m5", "m3"]
    assert run(sink, "SELECT position FROM events_positions") == [(6,)]


def test_events_that_were_replayed_before_they_were_delivered_are_not_written_twice(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)

    deliver(sink, of(batch(2, 4), origin="replay"), batch(0, 3), of(batch(5, 7), origin="replay"))
    deliver(sink, batch(3, 6), batch(6, 8), batch(8, 9))

    assert ids(sink) == ["m2", "m3", "m0", "m1", "m5", "m6", "m4", "m7", "m8"]


def test_an_event_with_the_position_of_another_epoch_is_not_missing(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, of(batch(0, 1), epoch=1))
    other = Batch("archive", "0", 0, 1, (0,), batch(7, 8).data, epoch=2, origin="retry")

    deliver(sink, other)

    assert ids(sink) == ["m0", "m7"]


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
