"""A worker delivers the partitions that its process holds; others deliver the rest, or believe they do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import Culprit, SinkRefused
from gateway.journal.base import Position
from gateway.state.jobs import Selection, Span
from gateway.state.letters import Choice
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.build import event_line, event_lines, keep
from tests.delivery.recorder import Recorder
from tests.delivery.work import deliver, deliver_until, make
from tests.fakes import ScriptedSink

pytestmark = pytest.mark.anyio

DELIVERED = ("delivered", "")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Two partitions of four events each."""
    keep(tmp_path / "journal/0", event_lines(0, 4))
    keep(tmp_path / "journal/1", event_lines(10, 14))
    return tmp_path / "journal"


def elsewhere(state: State, number: int, partition: str = "0") -> Callable[[], None]:
    """Return what records progress as another process does."""

    def record() -> None:
        before = state.position("sink", partition)
        events = number - (before.number if before else 0)
        state.record("sink", partition, Position(number), Tally({DELIVERED: events}))

    return record


async def test_partitions_of_others_are_left_to_them(journal: Path, state: State) -> None:
    sink = ScriptedSink()

    await deliver(make(sink, journal, state, held=lambda: {"1": 1}))

    assert sink.taken == event_lines(10, 14)
    assert state.position("sink", "0") is None


async def test_a_partition_that_comes_is_delivered_from_what_is_recorded(journal: Path, state: State) -> None:
    held: dict[str, int] = {}
    sink = ScriptedSink()
    worker = make(sink, journal, state, held=lambda: held)
    elsewhere(state, 1)()

    held["0"] = 7
    await deliver(worker)

    assert sink.taken == event_lines(1, 4)


async def test_a_batch_that_failed_is_not_tried_again_once_its_partition_is_lost(
    journal: Path, state: State
) -> None:
    held = {"0": 1}
    queue = make(ScriptedSink(), journal, state, held=lambda: held).queue
    work = queue.next(flush=True)
    queue.failed()

    del held["0"]
    after = queue.next(flush=True)

    assert work
    assert work.first == 0
    assert after is None


async def test_a_batch_in_hand_is_forgotten_when_its_partition_was_elsewhere_meanwhile(
    journal: Path, state: State
) -> None:
    held = {"0": 1}
    queue = make(ScriptedSink(), journal, state, held=lambda: held).queue
    stale = queue.next(flush=True)
    elsewhere(state, 3)()

    held["0"] = 3
    work = queue.next(flush=True)

    assert stale
    assert stale.first == 0
    assert work
    assert work.first == 3


async def test_of_two_that_believe_they_hold_a_partition_one_is_refused_and_nothing_counts_twice(
    journal: Path, state: State
) -> None:
    sink = ScriptedSink()
    sink.script.append(elsewhere(state, 2))  # while this process writes
    worker = make(sink, journal, state, held=lambda: {"0": 1})

    await deliver_until(worker, sink, 4 + 2)

    assert sink.batches == [event_lines(0, 4), event_lines(2, 4)]
    assert state.tallies() == {"sink": {DELIVERED: 4}}


async def test_a_replay_is_done_when_each_process_has_sent_its_part(journal: Path, state: State) -> None:
    one, two = Recorder(), Recorder()
    for partition in ("0", "1"):
        elsewhere(state, 4, partition)()
    job = state.jobs.replay("sink", Selection(), {"0": Span(0, 4), "1": Span(1, 4)}, 0)

    await deliver(make(one, journal, state, held=lambda: {"0": 1}))
    half = state.jobs.read(job.id)
    await deliver(make(two, journal, state, held=lambda: {"1": 1}))
    whole = state.jobs.read(job.id)

    assert [batch.lines for batch in one.batches] == [event_lines(0, 4)]
    assert [batch.lines for batch in two.batches] == [event_lines(11, 14)]
    assert half
    assert (half.state, half.sent) == ("running", 4)
    assert whole
    assert (whole.state, whole.sent) == ("done", 7)


async def test_a_retry_is_done_when_each_process_has_sent_its_letters(journal: Path, state: State) -> None:
    refusals = [SinkRefused("no", {2: Culprit("no")}), SinkRefused("no", {3: Culprit("no")})]
    for partition, refusal in zip(("0", "1"), refusals, strict=True):
        bury = Recorder(script=[refusal])
        await deliver(make(bury, journal, state, held=lambda own=partition: {own: 1}))  # type: ignore[misc]
    job = state.jobs.retry("sink", Choice(), 0, None)
    one, two = Recorder(), Recorder()

    await deliver(make(one, journal, state, held=lambda: {"0": 1}))
    half = state.jobs.read(job.id)
    await deliver(make(two, journal, state, held=lambda: {"1": 1}))
    whole = state.jobs.read(job.id)

    assert [batch.lines for batch in one.batches] == [[event_line(2)]]
    assert [batch.lines for batch in two.batches] == [[event_line(13)]]
    assert half
    assert (half.state, half.sent) == ("running", 1)
    assert whole
    assert (whole.state, whole.sent) == ("done", 2)
    assert state.tallies() == {"sink": {DELIVERED: 8}}


async def test_an_order_to_skip_is_done_when_each_process_has_skipped_its_part(
    journal: Path, state: State
) -> None:
    one, two = ScriptedSink(), ScriptedSink()
    to = {"0": 3, "1": 2}
    order = state.orders.place("sink", "skip", json.dumps(to))
    first = make(one, journal, state, held=lambda: {"0": 1})
    second = make(two, journal, state, held=lambda: {"1": 1})

    first.skip(order, to)
    await deliver(first)
    half = state.orders.is_done(order)
    second.skip(order, to)
    await deliver(second)

    assert (half, state.orders.is_done(order)) == (False, True)
    assert one.taken == [event_line(3)]
    assert two.taken == event_lines(12, 14)


async def test_an_order_is_found_by_those_who_come_to_it_after_another_has_carried_it_out(
    state: State,
) -> None:
    before = state.orders.place("sink", "resume")
    state.orders.finish(before, "done")
    since = state.orders.last()
    order = state.orders.place("sink", "resume")
    state.orders.finish(order, "done")

    found = state.orders.pending(["sink"], since)

    assert [each.id for each in found] == [order]
