"""A worker that is to leave: it finishes the batch in hand, and waits for nothing."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import anyio
import pytest

from gateway.delivery.worker import Worker
from gateway.errors import SinkUnavailable
from gateway.journal.positions import Positions
from tests.build import event_lines, keep, open_shard
from tests.fakes import ScriptedSink
from tests.gateway import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def positions(tmp_path: Path) -> Iterator[Positions]:
    opened = Positions.open(tmp_path / "state.db")
    yield opened
    opened.close()


def make(sink: ScriptedSink, journal: Path, positions: Positions) -> Worker:
    return Worker("sink", sink, journal, positions, lambda: repeat(0.0))


async def test_the_batch_in_hand_is_recorded_and_the_next_one_stays(
    journal: Path, positions: Positions
) -> None:
    shard = open_shard(journal / "0")
    shard.write(event_lines(0, 2))
    sink = ScriptedSink()
    worker = make(sink, journal, positions)

    def leave() -> None:
        shard.write(event_lines(2, 3))
        worker.leaving = True

    sink.script.append(leave)
    with anyio.fail_after(PATIENCE):
        await worker.run()

    assert sink.taken == event_lines(0, 2)
    assert positions.positions() == {("sink", "0"): 2}


@pytest.mark.parametrize("sign", ["leaving", "stopping"])
async def test_the_end_of_a_long_wait_is_not_waited_for(
    journal: Path, positions: Positions, sign: str
) -> None:
    keep(journal / "0", event_lines(0, 1))
    sink = ScriptedSink()
    sink.script.append(SinkUnavailable("429", retry_after=3600.0))
    worker = make(sink, journal, positions)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            while not sink.writes:  # noqa: ASYNC110  # the sink says nothing of what it does not take
                await anyio.sleep(0.01)
            setattr(worker, sign, True)

    assert (sink.taken, sink.writes) == ([], 1)


async def test_a_worker_with_nothing_to_do_leaves(journal: Path, positions: Positions) -> None:
    sink = ScriptedSink()
    worker = make(sink, journal, positions)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            await anyio.wait_all_tasks_blocked()  # it has looked, and found nothing
            worker.leaving = True

    assert sink.connections == [b""]
