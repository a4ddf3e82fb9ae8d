"""Sinks that keep positions at their targets: each event once, whatever is delivered again."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import msgspec
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Origin
from tests.sinks import duckdb_example, postgres_tables
from tests.sinks.batches import batch, deliver


class Kind(NamedTuple):
    """How a sink is made and written to, and what its target has."""

    sink_in: Callable[[Path], Any]
    ids: Callable[[Any], list[str]]
    positions: Callable[[Any], list[str]]
    """The position of every row, in the order in which they were written."""
    recorded: Callable[[Any], list[int]]
    """The positions up to which partitions are written."""


def recorded_in_postgres(sink: Any) -> list[int]:
    return [row["position"] for row in postgres_tables.run(f"SELECT position FROM {sink.table}_positions")]


def recorded_in_duckdb(sink: Any) -> list[int]:
    return [number for (number,) in duckdb_example.run(sink, "SELECT position FROM events_positions")]


_POSTGRES = Kind(
    postgres_tables.sink_in,
    postgres_tables.ids,
    postgres_tables.positions,
    recorded_in_postgres,
)
_DUCKDB = Kind(
    duckdb_example.sink_in,
    duckdb_example.ids,
    duckdb_example.positions,
    recorded_in_duckdb,
)
KINDS = {
    "postgres": _POSTGRES,
    "postgres by event": _POSTGRES._replace(sink_in=partial(postgres_tables.sink_in, unique=True)),
    "duckdb": _DUCKDB,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
by_position = pytest.mark.parametrize("kind", [_POSTGRES, _DUCKDB], ids=["postgres", "duckdb"])


def of(original: Batch, *, origin: Origin = "live", epoch: int = 0) -> Batch:
    return msgspec.structs.replace(original, origin=origin, epoch=epoch)


@every_kind
def test_batches_that_come_again_in_other_sizes_are_written_once(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(0, 3), batch(0, 2), batch(2, 5))
    deliver(sink, batch(0, 1), batch(1, 6))

    assert kind.ids(sink) == [f"m{number}" for number in range(6)]


@by_position
def test_events_are_written_in_order_with_their_positions(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)

    deliver(sink, batch(0, 3), batch(3, 5), batch(0, 2, partition="1"))

    assert kind.positions(sink) == ["0/0", "0/1", "0/2", "0/3", "0/4", "1/0", "1/1"]


@by_position
def test_connections_at_the_same_time_write_each_event_once(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)

    async def deliver_all() -> None:
        done = 0
        while done < 20:
            try:
                async with sink.connect("archive", b"") as connection:
                    while done < 20:
                        await connection.write(batch(done, done + 1))
                        done += 1
            except SinkUnavailable:
                pass  # another one was faster

    async def race() -> None:
        async with anyio.create_task_group() as connections:
            for _ in range(3):
                connections.start_soon(deliver_all)

    anyio.run(race, backend_options={"use_uvloop": True})

    assert kind.positions(sink) == [f"0/{number}" for number in range(20)]


@by_position
def test_a_batch_with_filtered_events_is_cut_by_its_positions(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    deliver(sink, batch(0, 6))
    lines = b"".join(line + b"\n" for line in batch(0, 10).lines[1::3])

    deliver(sink, Batch("archive", "0", 0, 10, (1, 4, 7), lines))

    assert kind.positions(sink)[6:] == ["0/7"]


@by_position
def test_a_range_whose_events_are_all_written_moves_the_position(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    deliver(sink, batch(0, 3))

    deliver(sink, Batch("archive", "0", 0, 9, (1,), batch(1, 2).data))

    assert kind.ids(sink) == ["m0", "m1", "m2"]
    assert kind.recorded(sink) == [9]


@by_position
def test_positions_are_those_of_a_sink_a_partition_and_an_epoch(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    other = msgspec.structs.replace(batch(0, 1), sink="other")

    deliver(sink, batch(0, 1), other, batch(0, 1, partition="1"), of(batch(0, 1), epoch=2**64 - 1))

    assert kind.positions(sink) == ["0/0", "0/0", "1/0", "0/0"]


@every_kind
@pytest.mark.parametrize("origin", ["retry", "replay"])
def test_a_retry_or_a_replay_adds_only_what_is_missing(kind: Kind, tmp_path: Path, origin: Origin) -> None:
    sink = kind.sink_in(tmp_path)
    deliver(sink, batch(0, 3), batch(4, 6))

    deliver(sink, of(batch(2, 6), origin=origin), of(batch(2, 6), origin=origin))

    assert kind.ids(sink) == ["m0", "m1", "m2", "m4", "m5", "m3"]
    assert kind.recorded(sink) == [6]


@every_kind
def test_events_that_were_replayed_before_they_were_delivered_are_not_written_twice(
    kind: Kind, tmp_path: Path
) -> None:
    sink = kind.sink_in(tmp_path)

    deliver(sink, of(batch(2, 4), origin="replay"), batch(0, 3), of(batch(5, 7), origin="replay"))
    deliver(sink, batch(3, 6), batch(6, 8), batch(8, 9))

    assert kind.ids(sink) == ["m2", "m3", "m0", "m1", "m5", "m6", "m4", "m7", "m8"]


@by_position
def test_an_event_with_the_position_of_another_epoch_is_not_missing(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    deliver(sink, of(batch(0, 1), epoch=1))
    other = Batch("archive", "0", 0, 1, (0,), batch(7, 8).data, epoch=2, origin="retry")

    deliver(sink, other)

    assert kind.ids(sink) == ["m0", "m7"]
