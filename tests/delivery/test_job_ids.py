"""Ids of the batches of jobs, for sinks that recognize batches by them: the same content keeps its id."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.errors import Culprit, SinkRefused, SinkUnavailable
from gateway.state.jobs import Job, Selection, Span
from gateway.state.letters import Choice
from gateway.state.store import State
from tests.build import event_line, event_lines, keep
from tests.delivery.recorder import Named, Recorder, ids
from tests.delivery.work import deliver, make

pytestmark = pytest.mark.anyio

ANSWER_LOST = SinkUnavailable("answer lost")

Order = Callable[[State], Job]


def retry(state: State) -> Job:
    return state.jobs.retry("sink", Choice(), 0, None)


def replay(state: State) -> Job:
    return state.jobs.replay("sink", Selection(), {"0": Span(0, 6)}, 0)


each_job = pytest.mark.parametrize("order", [retry, replay])


@pytest.fixture
async def buried(journal: Path, state: State) -> None:
    """Six events in chunks of different sizes, all of them dead letters."""
    keep(journal / "0", event_lines(0, 1), event_lines(1, 5), event_lines(5, 6))
    culprits = {number: Culprit("not now") for number in range(6)}
    await deliver(make(Recorder(script=[SinkRefused("refused", culprits)]), journal, state))


@each_job
async def test_after_a_crash_the_batch_in_doubt_is_the_same(
    order: Order, buried: None, journal: Path, state: State
) -> None:
    job = order(state)
    sink = Named(script=[ANSWER_LOST], batch_events=4)
    await deliver(make(sink, journal, state))

    await deliver(make(msgspec.structs.replace(sink, batch_events=3), journal, state))

    expected = ["sink/0/0-4", "sink/0/0-4", "sink/0/4-6"]
    assert ids(sink) == [each + job.suffix for each in expected]
    assert sink.batches[0] == sink.batches[1]


@each_job
async def test_pieces_of_a_refused_batch_keep_their_ids_after_a_crash(
    order: Order, buried: None, journal: Path, state: State
) -> None:
    job = order(state)
    refused = SinkRefused("refused", {1: Culprit("never")})
    sink = Named(script=[refused, None, ANSWER_LOST], batch_events=4)

    await deliver(make(sink, journal, state))
    await deliver(make(sink, journal, state))

    expected = ["sink/0/0-4", "sink/0/0-1", "sink/0/2-4", "sink/0/2-4", "sink/0/4-6"]
    assert ids(sink) == [each + job.suffix for each in expected]
    assert [letter.message_id for letter in state.dead.select(Choice(code="refused"))].count("m1") == 1


async def test_a_batch_whose_content_changed_gets_another_id(journal: Path, state: State) -> None:
    keep(journal / "0", [event_line(0), event_line(1, type="page"), *event_lines(2, 6)])
    await deliver(make(Recorder(), journal, state))
    job = replay(state)
    await deliver(make(Named(script=[ANSWER_LOST]), journal, state))
    reloaded = Named(types=("track",), script=[ANSWER_LOST])

    await deliver(make(reloaded, journal, state))
    await deliver(make(reloaded, journal, state))

    assert ids(reloaded) == [f"sink/0/0-6{job.suffix}~2"] * 2


async def test_a_batch_without_a_letter_that_was_dropped_meanwhile_gets_another_id(
    buried: None, journal: Path, state: State
) -> None:
    job = retry(state)
    sink = Named(script=[ANSWER_LOST])
    await deliver(make(sink, journal, state))
    [letter] = state.dead.select(Choice(message_id="m2"))
    state.dead.drop(Choice(ids=(letter.id,)))

    await deliver(make(sink, journal, state))

    assert ids(sink) == [f"sink/0/0-6{job.suffix}", f"sink/0/0-6{job.suffix}~2"]
    assert list(sink.batches[1].positions) == [0, 1, 3, 4, 5]


@each_job
async def test_other_sinks_need_no_such_batch(
    order: Order, buried: None, journal: Path, state: State
) -> None:
    job = order(state)
    sink = Recorder(script=[ANSWER_LOST], batch_events=4)
    await deliver(make(sink, journal, state))

    await deliver(make(msgspec.structs.replace(sink, batch_events=3), journal, state))

    expected = ["sink/0/0-4", "sink/0/0-3", "sink/0/3-6"]
    assert ids(sink) == [each + job.suffix for each in expected]


async def test_a_job_whose_number_is_given_again_has_other_ids(state: State) -> None:
    job = replay(state)

    after_the_state_was_lost = msgspec.structs.replace(job, created_at=job.created_at + 1)

    assert job.suffix != after_the_state_was_lost.suffix
