"""Each event is in the table exactly once, whatever is delivered again."""

from pathlib import Path

import msgspec
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Batch, Origin
from gateway.sinks.postgres import Postgres
from tests.sinks.batches import batch, deliver
from tests.sinks.postgres_example import ByEvent, ByPosition
from tests.sinks.postgres_tables import ids, positions, run, run_loop, sink_in

both = pytest.mark.parametrize("unique", [False, True], ids=["by position", "by event"])


def example(folder: Path) -> Postgres:
    return sink_in(folder)


EXAMPLES = {"by position": ByPosition, "by event": ByEvent}


def of(original: Batch, *, origin: Origin = "live", epoch: int = 0) -> Batch:
    return msgspec.structs.replace(original, origin=origin, epoch=epoch)


def test_a_second_process_with_an_old_position_is_fenced_and_continues_from_the_new_one(
    tmp_path: Path,
) -> None:
    sink = sink_in(tmp_path)

    async def write_from_two() -> None:
        async with sink.connect("archive", b"") as old, sink.connect("archive", b"") as new:
            await old.write(batch(0, 2))
            await new.write(batch(2, 4))
            with pytest.raises(SinkUnavailable, match="another process"):
                await old.write(batch(2, 5))
        async with sink.connect("archive", b"") as again:
            await again.write(batch(2, 5))

    run_loop(write_from_two)

    assert ids(sink) == ["m0", "m1", "m2", "m3", "m4"]


def test_the_index_for_retries_is_made_when_it_is_needed(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    indexes = f"SELECT indexname FROM pg_indexes WHERE tablename = '{sink.table}'"
    deliver(sink, batch(0, 3))
    before = run(indexes)

    deliver(sink, of(batch(0, 1), origin="retry"))

    assert before == []
    assert run(indexes) == [{"indexname": f"{sink.table}_position_idx"}]


def test_an_index_that_was_interrupted_is_made_again(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    deliver(sink, batch(0, 3), of(batch(0, 1), origin="retry"))
    index = f"'{sink.table}_position_idx'::regclass"
    run(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = {index}", "SELECT 1")

    deliver(sink, of(batch(0, 1), origin="retry"))

    assert run(f"SELECT indisvalid FROM pg_index WHERE indexrelid = {index}") == [{"indisvalid": True}]


def test_with_unique_an_event_that_arrives_again_at_another_position_is_not_written(tmp_path: Path) -> None:
    sink = sink_in(tmp_path, unique=True)
    deliver(sink, batch(0, 3))

    deliver(sink, Batch("archive", "0", 50, 54, (50, 51, 52, 53), batch(2, 4).data * 2))

    assert positions(sink) == ["0/0", "0/1", "0/2", "0/51"]
