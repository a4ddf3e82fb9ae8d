"""Sinks that keep positions at their targets: each event once, whatever is delivered again."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from gateway.sinks.base import Batch, Origin
from tests.sinks import duckdb_example, postgres_tables
from tests.sinks.batches import batch


class Kind(NamedTuple):
    """How a sink is made and written to, and what its target has."""

    sink_in: Callable[[Path], Any]
    deliver: Callable[..., None]
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
    postgres_tables.deliver,
    postgres_tables.ids,
    postgres_tables.positions,
    recorded_in_postgres,
)
_DUCKDB = Kind(
    duckdb_example.sink_in,
    duckdb_example.deliver,
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


@by_position
def test_a_batch_with_filtered_events_is_cut_by_its_positions(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    kind.deliver(sink, batch(0, 6))
    lines = b"".join(line + b"\n" for line in batch(0, 10).lines[1::3])

    kind.deliver(sink, Batch("archive", "0", 0, 10, (1, 4, 7), lines))

    assert kind.positions(sink)[6:] == ["0/7"]


@by_position
def test_a_range_whose_events_are_all_written_moves_the_position(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    kind.deliver(sink, batch(0, 3))

    kind.deliver(sink, Batch("archive", "0", 0, 9, (1,), batch(1, 2).data))

    assert kind.ids(sink) == ["m0", "m1", "m2"]
    assert kind.recorded(sink) == [9]


@by_position
def test_positions_are_those_of_a_sink_a_partition_and_an_epoch(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    other = msgspec.structs.replace(batch(0, 1), sink="other")

    kind.deliver(sink, batch(0, 1), other, batch(0, 1, partition="1"), of(batch(0, 1), epoch=2**64 - 1))

    assert kind.positions(sink) == ["0/0", "0/0", "1/0", "0/0"]


@every_kind
@pytest.mark.parametrize("origin", ["retry", "replay"])
def test_a_retry_or_a_replay_adds_only_what_is_missing(kind: Kind, tmp_path: Path, origin: Origin) -> None:
    sink = kind.sink_in(tmp_path)
    kind.deliver(sink, batch(0, 3), batch(4, 6))

    kind.deliver(sink, of(batch(2, 6), origin=origin), of(batch(2, 6), origin=origin))

    assert kind.ids(sink) == ["m0", "m1", "m2", "m4", "m5", "m3"]
    assert kind.recorded(sink) == [6]


@every_kind
def test_events_that_were_replayed_before_they_were_delivered_are_not_written_twice(
    kind: Kind, tmp_path: Path
) -> None:
    sink = kind.sink_in(tmp_path)

    kind.deliver(sink, of(batch(2, 4), origin="replay"), batch(0, 3), of(batch(5, 7), origin="replay"))
    kind.deliver(sink, batch(3, 6), batch(6, 8), batch(8, 9))

    assert kind.ids(sink) == ["m2", "m3", "m0", "m1", "m5", "m6", "m4", "m7", "m8"]


@by_position
def test_an_event_with_the_position_of_another_epoch_is_not_missing(kind: Kind, tmp_path: Path) -> None:
    sink = kind.sink_in(tmp_path)
    kind.deliver(sink, of(batch(0, 1), epoch=1))
    other = Batch("archive", "0", 0, 1, (0,), batch(7, 8).data, epoch=2, origin="retry")

    kind.deliver(sink, other)

    assert kind.ids(sink) == ["m0", "m7"]
