"""Deliveries that are cut off at any moment: each event is written once, in order, and none is lost."""

import random
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest

from gateway.errors import SinkUnavailable
from gateway.sinks.base import Origin
from gateway.sinks.postgres import Postgres
from tests.sinks.batches import batch
from tests.sinks.postgres_tables import positions, run_loop, sink_in

MAX_TURNS = 3000
"""Turns of the event loop after which a delivery may be cut off; a batch takes from five to thousands."""


async def deliver_until_cut_off(sink: Postgres, recorded: int, end: int, chance: random.Random) -> int:
    """
    Deliver batches of any size, and return what is recorded when the delivery is cut off.

    A commit that was cut off earlier may end meanwhile: then the sink is unavailable, and tried again.
    """
    done = recorded
    try:
        done = await _deliver_until_cut_off(sink, recorded, end, chance)
    except* SinkUnavailable:
        pass
    return done


async def _deliver_until_cut_off(sink: Postgres, recorded: int, end: int, chance: random.Random) -> int:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks, sink.connect("archive", b"") as connection:
            tasks.start_soon(cut_off, scope, int(MAX_TURNS ** chance.random()))
            while recorded < end:
                upper = min(end, recorded + chance.randint(1, 30))
                if chance.random() < 0.2:
                    origin: Origin = chance.choice(("retry", "replay"))
                    again = batch(chance.randrange(upper), upper)
                    await connection.write(msgspec.structs.replace(again, origin=origin))
                await connection.write(batch(recorded, upper))
                if chance.random() < 0.3:
                    return recorded  # killed before it records what it has written
                recorded = upper
    return recorded


async def cut_off(scope: anyio.CancelScope, turns: int) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


@pytest.mark.parametrize("unique", [False, True], ids=["by position", "by event"])
def test_deliveries_that_are_cut_off_write_each_event_once(
    tmp_path: Path, chance: random.Random, rounds: int | None, unique: bool
) -> None:
    sink = sink_in(tmp_path, unique=unique)

    async def deliver_all() -> int:
        recorded = end = 0
        for _ in range(rounds or 50):
            end += chance.randint(1, 40)
            recorded = await deliver_until_cut_off(sink, recorded, end, chance)
        while recorded < end:
            recorded = await deliver_until_cut_off(sink, recorded, end, chance)
        return end

    end = run_loop(deliver_all)

    assert sorted(positions(sink), key=lambda text: int(text[2:])) == [f"0/{number}" for number in range(end)]
