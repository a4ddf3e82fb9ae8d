"""A leaving worker: it finishes the current batch and waits for nothing else."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from gateway.delivery.worker import Worker
from gateway.errors import SinkUnavailable
from gateway.state.store import State
from tests.build import event_lines, keep, open_partition
from tests.delivery.work import make
from tests.fakes import ScriptedSink
from tests.gateway import PATIENCE

pytestmark = pytest.mark.anyio


async def test_a_leaving_worker_records_the_current_batch_and_starts_no_other(
    journal: Path, state: State
) -> None:
    partition = open_partition(journal / "0")
    partition.write(event_lines(0, 2))
    sink = ScriptedSink()
    worker = make(sink, journal, state)

    def leave() -> None:
        partition.write(event_lines(2, 3))
        worker.leave()

    sink.script.append(leave)
    with anyio.fail_after(PATIENCE):
        await worker.run()

    assert sink.taken == event_lines(0, 2)
    assert state.positions()["sink", "0"].number == 2


@pytest.mark.parametrize("end", [Worker.leave, Worker.stop], ids=["leaving", "stopping"])
async def test_a_leaving_worker_does_not_wait_for_the_back_off(
    journal: Path, state: State, end: Callable[[Worker], None]
) -> None:
    keep(journal / "0", event_lines(0, 1))
    sink = ScriptedSink()
    sink.script.append(SinkUnavailable("429", retry_after=3600.0))
    worker = make(sink, journal, state)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            while not sink.writes:  # noqa: ASYNC110  # the sink has no event for a failed write
                await anyio.sleep(0.01)
            end(worker)

    assert (sink.taken, sink.writes) == ([], 1)


async def test_an_idle_worker_leaves_at_once(journal: Path, state: State) -> None:
    sink = ScriptedSink()
    worker = make(sink, journal, state)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            await anyio.wait_all_tasks_blocked()  # it has found no events
            worker.leave()

    assert sink.connections == [b""]
