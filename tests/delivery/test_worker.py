"""The worker of a sink: every event in order, at least once, whatever the sink does."""

from collections import deque
from pathlib import Path

import anyio
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gateway.errors import SinkUnavailable
from gateway.journal.base import Position
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.build import event_line, event_lines, keep, open_partition
from tests.delivery.work import deliver, deliver_until, eventually, make
from tests.fakes import ScriptedSink
from tests.gateway import PATIENCE
from tests.journal.breaking import flip

pytestmark = pytest.mark.anyio

DOWN = SinkUnavailable("connection refused")


def numbers(state: State) -> dict[tuple[str, str], int]:
    """Return the position of each sink in each partition."""
    return {key: position.number for key, position in state.positions().items()}


async def test_everything_in_the_journal_is_delivered_in_order(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3), event_lines(3, 4))
    keep(journal / "0", event_lines(4, 6))
    sink = ScriptedSink()

    await deliver(make(sink, journal, state))

    assert sink.taken == event_lines(0, 6)
    assert numbers(state) == {("sink", "0"): 6}
    assert state.tallies() == {"sink": {("delivered", ""): 6}}


async def test_a_later_event_is_delivered(journal: Path, state: State) -> None:
    partition = open_partition(journal / "0")
    partition.write(event_lines(0, 2))
    sink = ScriptedSink()
    sink.script.append(lambda: partition.write(event_lines(2, 3)))

    await deliver_until(make(sink, journal, state), sink, 3)

    assert sink.batches == [event_lines(0, 2), event_lines(2, 3)]


async def test_a_later_partition_is_delivered(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 2))
    sink = ScriptedSink()
    sink.script.append(lambda: keep(journal / "1", event_lines(2, 3)))

    await deliver_until(make(sink, journal, state), sink, 3)

    assert sink.taken == event_lines(0, 3)


async def test_deleted_events_are_skipped_counted_and_logged_once(journal: Path, state: State) -> None:
    for start in (0, 3, 6):
        keep(journal / "0", event_lines(start, start + 3))
    state.record("sink", "0", Position(1), Tally({("delivered", ""): 1}))
    for file in sorted((journal / "0").glob("*.log"))[:2]:
        file.unlink()
    sink = ScriptedSink()

    with capture_logs() as logs:
        await deliver(make(sink, journal, state))

    assert sink.taken == event_lines(6, 9)
    assert state.tallies() == {"sink": {("delivered", ""): 4, ("skipped", "not_kept"): 5}}
    assert [(line["log_level"], line["events"]) for line in logs] == [("warning", 5)]


async def test_a_new_worker_continues_from_the_recorded_position(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    await deliver(make(ScriptedSink(), journal, state))
    keep(journal / "0", event_lines(3, 5))
    sink = ScriptedSink()

    await deliver(make(sink, journal, state))

    assert sink.taken == event_lines(3, 5)


async def test_no_partition_waits_for_another(journal: Path, state: State) -> None:
    large = {"filler": "x" * 800_000}  # two of which fit into a slice
    for number in range(6):
        keep(journal / "0", [event_line(number, properties=large)])
    keep(journal / "1", [event_line(100)])
    sink = ScriptedSink()

    await deliver(make(sink, journal, state))

    assert event_line(100) in sink.taken[:3]
    assert [line for line in sink.taken if line != event_line(100)] == [
        event_line(number, properties=large) for number in range(6)
    ]


async def test_filtered_events_are_counted_and_skipped(journal: Path, state: State) -> None:
    keep(journal / "0", [event_line(0, type="page"), event_line(1), event_line(2, type="page")])
    sink = ScriptedSink(types=("track",))

    await deliver(make(sink, journal, state))

    assert sink.taken == [event_line(1)]
    assert state.tallies() == {"sink": {("delivered", ""): 1, ("filtered", "type"): 2}}


async def test_an_empty_batch_is_never_written(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink(types=("page",))

    await deliver(make(sink, journal, state))

    assert sink.writes == 0
    assert numbers(state) == {("sink", "0"): 3}


@pytest.mark.parametrize(
    "error", [DOWN, ValueError("a bug in the sink")], ids=["unavailable", "unexpected error"]
)
async def test_a_failed_batch_is_retried(journal: Path, state: State, error: Exception) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    sink.script.extend([error] * 3)

    await deliver_until(make(sink, journal, state), sink, 3)

    assert (sink.writes, sink.batches) == (4, [event_lines(0, 3)])
    assert state.tallies() == {"sink": {("delivered", ""): 3}}


async def test_after_a_failure_the_sink_is_reconnected(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    sink.script.append(DOWN)

    await deliver_until(make(sink, journal, state), sink, 3)

    assert len(sink.connections) == 2


async def test_a_failed_batch_is_not_recorded(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    sink.script.append(DOWN)

    await deliver(make(sink, journal, state))

    assert numbers(state) == {("sink", "0"): 0}
    assert not state.tallies()["sink"]


async def test_a_batch_written_but_not_recorded_is_delivered_again(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    with anyio.CancelScope() as scope:
        sink.script.append(scope.cancel)  # as after a kill
        await make(sink, journal, state).run()

    await deliver(make(sink, journal, state))

    assert sink.batches == [event_lines(0, 3)] * 2
    assert state.tallies() == {"sink": {("delivered", ""): 3}}


async def test_the_recorded_receipt_is_given_to_the_next_connection(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    await deliver(make(sink, journal, state))
    keep(journal / "0", event_lines(3, 5))

    await deliver(make(sink, journal, state))

    assert sink.connections == [b"", b"3 taken"]
    assert state.receipt("sink") == b"5 taken"


async def test_a_sink_that_is_down_delays_no_other_and_is_retried_after_the_time_it_asks_for(
    journal: Path, state: State
) -> None:
    keep(journal / "0", event_lines(0, 3))
    busy, other = ScriptedSink(), ScriptedSink()
    busy.script.append(SinkUnavailable("429", retry_after=3600.0))
    other.script.extend([DOWN] * 50)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(make(busy, journal, state, "busy").run)
            await deliver_until(make(other, journal, state, "other"), other, 3)
            await eventually(lambda: busy.writes)
            tasks.cancel_scope.cancel()

    assert (other.taken, other.writes) == (event_lines(0, 3), 51)
    assert (busy.taken, busy.writes) == ([], 1)


async def test_failures_and_recovery_are_visible_in_the_metrics(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    seen: list[float | None] = []
    label = {"sink": "watched"}
    sink.script.extend([DOWN, DOWN, lambda: seen.append(REGISTRY.get_sample_value("gateway_sink_up", label))])

    await deliver_until(make(sink, journal, state, "watched"), sink, 3)

    seen.append(REGISTRY.get_sample_value("gateway_sink_up", label))
    assert seen == [0.0, 1.0]
    assert REGISTRY.get_sample_value("gateway_sink_retries_total", label) == 2.0


async def test_a_damaged_chunk_costs_only_its_own_events(journal: Path, state: State) -> None:
    chunk = [event_line(2, event="Damaged"), event_line(3)]
    file = keep(journal / "0", event_lines(0, 2), chunk, event_lines(4, 5))
    flip(file, b"Damaged")
    sink = ScriptedSink()

    await deliver(make(sink, journal, state))

    assert sink.taken == event_lines(0, 2) + event_lines(4, 5)
    assert state.tallies() == {"sink": {("delivered", ""): 3, ("dead", "damaged"): 2}}


async def test_a_new_sink_gets_retained_events_and_counts_the_others_as_skipped(
    journal: Path, state: State
) -> None:
    first = keep(journal / "0", event_lines(0, 3))
    keep(journal / "0", event_lines(3, 5))
    first.unlink()
    sink = ScriptedSink()

    await deliver(make(sink, journal, state))

    assert sink.taken == event_lines(3, 5)
    assert state.tallies() == {"sink": Tally({("delivered", ""): 2, ("skipped", "before_sink"): 3})}


async def test_a_worker_that_is_stopped_does_not_wait_for_a_sink_that_is_down(
    journal: Path, state: State
) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = ScriptedSink()
    sink.script.extend([DOWN] * 1000)

    await deliver(make(sink, journal, state))

    assert (sink.taken, sink.writes) == ([], 1)


async def test_events_appended_before_a_worker_is_stopped_are_delivered(journal: Path, state: State) -> None:
    sink = ScriptedSink()
    worker = make(sink, journal, state)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            await anyio.wait_all_tasks_blocked()  # it has found no events
            keep(journal / "0", event_lines(0, 1))
            worker.stop()

    assert sink.taken == event_lines(0, 1)


async def test_an_os_error_of_a_sink_is_not_one_of_the_journal(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 2))
    sink = ScriptedSink(script=deque([ConnectionResetError("reset by peer")]))

    with capture_logs() as logged:
        await deliver(make(sink, journal, state))
    status = state.statuses.read("sink")
    await deliver(make(sink, journal, state))

    assert [entry["event"] for entry in logged] == ["sink unavailable"]
    assert (status.state, status.message) == ("retrying", "ConnectionResetError: reset by peer")
    assert sink.taken == event_lines(0, 2)


async def test_a_resume_releases_what_another_process_held(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 1))
    sink = ScriptedSink()
    worker = make(sink, journal, state)
    await deliver_until(worker, sink, 1)
    state.statuses.failed("sink", "misconfigured", DOWN, held=True)

    worker.resume()
    await deliver(worker)

    assert not state.statuses.read("sink").held
