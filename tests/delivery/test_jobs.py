"""Jobs: dead letters that are retried, events that are replayed, and events that are skipped."""

from pathlib import Path

import anyio
import pytest

from gateway.config.units import Size
from gateway.errors import Culprit, SinkRefused, SinkUnavailable
from gateway.journal.follow import Wanted
from gateway.state.jobs import Job, Selection, Span
from gateway.state.letters import Choice
from gateway.state.store import State
from tests.build import event_line, event_lines, keep
from tests.delivery.recorder import Named, Recorder, ids
from tests.delivery.work import deliver, eventually, make, running
from tests.fakes import ScriptedSink
from tests.gateway import PATIENCE

pytestmark = pytest.mark.anyio

EVERYTHING = Selection()
DELIVERED = ("delivered", "")


async def bury(journal: Path, state: State, *numbers: int, events: int = 6) -> None:
    """Deliver events of which some are refused."""
    keep(journal / "0", event_lines(0, events))
    culprits = {number: Culprit("not now") for number in numbers}
    await deliver(make(Recorder(script=[SinkRefused("refused", culprits)]), journal, state))
    assert [letter.position for letter in state.dead.select(Choice())] == list(numbers)


def done(state: State, job: Job) -> bool:
    found = state.jobs.read(job.id)
    return found is not None and found.state == "done"


def replay(state: State, selection: Selection = EVERYTHING, end: int = 6, rate: float = 0) -> Job:
    return state.jobs.replay("sink", selection, {"0": Span(0, end)}, rate)


async def test_retried_letters_are_delivered_in_order_of_position(journal: Path, state: State) -> None:
    await bury(journal, state, 1, 4)
    job = state.jobs.retry("sink", Choice(), 0, None)
    sink = Recorder()

    await deliver(make(sink, journal, state))

    [batch] = sink.batches
    assert (list(batch.positions), batch.origin, batch.id) == ([1, 4], "retry", f"sink/0/1-5{job.suffix}")
    assert batch.lines == [event_line(1), event_line(4)]
    assert list(state.dead.select(Choice())) == []
    assert state.tallies() == {"sink": {DELIVERED: 6}}
    assert state.dead.size("sink") == 0


async def test_a_letter_that_is_refused_again_keeps_its_place(journal: Path, state: State) -> None:
    await bury(journal, state, 1, 4)
    [first, _] = state.dead.select(Choice())
    job = state.jobs.retry("sink", Choice(), 0, None)
    sink = Recorder(script=[SinkRefused("refused", {0: Culprit("still not", "too_old", "HTTP 400")})])

    await deliver(make(sink, journal, state))

    [letter] = state.dead.select(Choice())
    assert (letter.id, letter.code, letter.message, letter.answer) == (
        first.id,
        "too_old",
        "still not",
        "HTTP 400",
    )
    assert (letter.tries, letter.job) == (first.tries + 1, None)
    assert state.tallies() == {"sink": {DELIVERED: 5, ("dead", "too_old"): 1}}
    found = state.jobs.read(job.id)
    assert found is not None
    assert (found.state, found.events, found.sent, found.refused) == ("done", 2, 1, 1)


async def test_retrying_a_hundred_bad_letters_holds_no_sink(journal: Path, state: State) -> None:
    await bury(journal, state, *range(0, 200, 2), events=200)
    state.jobs.retry("sink", Choice(), 0, None)
    again = {number: Culprit("still not") for number in range(100)}

    await deliver(make(Recorder(script=[SinkRefused("refused", again)]), journal, state))

    assert state.statuses.read("sink").state == "up"
    assert sum(state.dead.count(Choice()).values()) == 100


async def test_letters_are_retried_again_after_a_crash(journal: Path, state: State) -> None:
    await bury(journal, state, 1, 4)
    state.jobs.retry("sink", Choice(), 0, None)
    sink = Recorder(script=[SinkUnavailable("reset")])

    await deliver(make(sink, journal, state))
    await deliver(make(sink, journal, state))

    assert len(set(ids(sink))) == 1
    assert state.tallies() == {"sink": {DELIVERED: 6}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), [1, 4]),
        (Choice(ids=(1,)), [1]),
        (Choice(code="refused"), [1, 4]),
        (Choice(code="expired"), []),
        (Choice(user="u1"), [1, 4]),
        (Choice(user="u2"), []),
        (Choice(event="Ordered", source="default"), [1, 4]),
        (Choice(sink="other"), []),
        (Choice(since=2**60), []),
        (Choice(until=2**60), [1, 4]),
    ],
    ids=str,
)
async def test_letters_are_chosen_by_filters(
    journal: Path, state: State, choice: Choice, expected: list[int]
) -> None:
    await bury(journal, state, 1, 4)

    assert [letter.position for letter in state.dead.select(choice)] == expected
    assert sum(state.dead.count(choice).values()) == len(expected)
    assert state.jobs.retry("sink", choice, 0, None).events == len(expected)


async def test_a_dropped_letter_counts_as_skipped(journal: Path, state: State) -> None:
    await bury(journal, state, 1, 4)

    dropped = state.dead.drop(Choice(ids=(1,)))

    assert dropped == 1
    assert state.tallies() == {
        "sink": {DELIVERED: 4, ("dead", "refused"): 1, ("skipped", "dropped"): 1},
    }


@pytest.mark.parametrize("refused", [False, True], ids=["accepted", "refused again"])
async def test_a_letter_dropped_while_it_is_retried_stays_dropped(
    journal: Path, state: State, refused: bool
) -> None:
    await bury(journal, state, 4)
    job = state.jobs.retry("sink", Choice(), 0, None)

    def drop() -> None:
        state.dead.drop(Choice())
        if refused:
            raise SinkRefused("refused", {0: Culprit("still not")})

    sink = ScriptedSink()
    sink.script.append(drop)

    await deliver(make(sink, journal, state))

    assert state.tallies() == {"sink": {DELIVERED: 5, ("skipped", "dropped"): 1}}
    assert (state.dead.size("sink"), done(state, job)) == (0, True)


async def test_a_replay_sends_what_the_journal_has_once_more(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    await deliver(make(Recorder(), journal, state))
    job = replay(state)
    sink = Recorder(batch_events=4)

    await deliver(make(sink, journal, state))

    assert [batch.origin for batch in sink.batches] == ["replay", "replay"]
    assert ids(sink) == [f"sink/0/0-4{job.suffix}", f"sink/0/4-6{job.suffix}"]
    assert state.tallies() == {"sink": {DELIVERED: 6, ("replayed", ""): 6}}
    assert done(state, job)


async def test_a_replay_goes_through_the_filters(journal: Path, state: State) -> None:
    lines = [event_line(n, type="page" if n % 2 else "track", userId=f"u{n % 3}") for n in range(6)]
    keep(journal / "0", lines)
    await deliver(make(Recorder(types=("track",)), journal, state))
    job = replay(state, Selection(Wanted(user="u0")))
    sink = Recorder(types=("track",))

    await deliver(make(sink, journal, state))

    assert [list(batch.positions) for batch in sink.batches] == [[0]]
    found = state.jobs.read(job.id)
    assert found is not None
    assert (found.state, found.sent) == ("done", 1)


async def test_a_replay_goes_on_after_a_crash_where_it_was(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    await deliver(make(Recorder(), journal, state))
    replay(state)
    sink = Recorder(batch_events=2, script=[None, SinkUnavailable("reset")])

    await deliver(make(sink, journal, state))
    await deliver(make(sink, journal, state))

    assert [list(batch.positions) for batch in sink.batches] == [[0, 1], [2, 3], [2, 3], [4, 5]]
    assert state.tallies()["sink"][("replayed", "")] == 6


async def test_a_replay_takes_turns_with_live_delivery(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    await deliver(make(Recorder(), journal, state))
    keep(journal / "0", event_lines(6, 12))
    replay(state)
    sink = Recorder(batch_events=2)

    await deliver(make(sink, journal, state))

    origins = [batch.origin for batch in sink.batches]
    assert sorted(origins[:2]) == sorted(origins[2:4]) == ["live", "replay"]
    assert (origins.count("live"), origins.count("replay")) == (3, 3)


@pytest.mark.parametrize(
    ("kind", "expected"), [(Recorder, [1000, 500]), (Named, [1500])], ids=["others", "recognizes batches"]
)
async def test_live_events_wait_for_no_large_batch_of_a_replay(
    journal: Path, state: State, kind: type[Recorder], expected: list[int]
) -> None:
    keep(journal / "0", event_lines(0, 1500))
    await deliver(make(Recorder(), journal, state))
    replay(state, end=1500)
    sink = kind()

    await deliver(make(sink, journal, state))

    assert [batch.count for batch in sink.batches] == expected


async def test_a_cancelled_job_ends(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    await deliver(make(Recorder(), journal, state))
    job = replay(state)

    ended = state.jobs.finish(job.id, "cancelled")

    sink = Recorder()
    await deliver(make(sink, journal, state))
    assert (ended, state.jobs.finish(job.id, "cancelled"), sink.batches) == (True, False, [])


async def test_a_job_keeps_to_its_rate(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    await deliver(make(Recorder(), journal, state))
    job = replay(state, rate=2)
    sink = Recorder()
    worker = make(sink, journal, state)

    async with running(worker):
        await eventually(lambda: len(sink.batches) == 2)
        worker.stop()

    assert [batch.count for batch in sink.batches][:2] == [2, 2]
    assert not done(state, job)


async def test_a_job_is_begun_though_no_event_arrives(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    sink = Recorder()
    worker = make(sink, journal, state)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            await eventually(lambda: state.tallies() == {"sink": {DELIVERED: 6}})
            await anyio.wait_all_tasks_blocked()
            job = replay(state)
            worker.look_for_jobs()
            await eventually(lambda: done(state, job))
            worker.stop()

    assert len(sink.batches) == 2


async def test_a_replay_that_looks_for_its_events_lets_live_ones_pass(journal: Path, state: State) -> None:
    keep(journal / "0", *([line] for line in event_lines(0, 50)))
    sink = Recorder(batch_bytes=Size(1000))
    await deliver(make(sink, journal, state))
    replay(state, Selection(Wanted(user="nobody")), end=50)

    work = make(sink, journal, state).queue.next(flush=True)

    assert work is not None
    assert work.batch is None
    assert 0 < work.end.number < 50
