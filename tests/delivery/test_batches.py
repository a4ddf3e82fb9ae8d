"""Batches: their limits, how long they wait, and ids that stand for one content also after a crash."""

from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.units import Duration, Size
from gateway.errors import Culprit, SinkRefused, SinkUnavailable
from gateway.state.store import State
from tests.build import event_line, event_lines, keep
from tests.delivery.recorder import Named, Recorder, ids
from tests.delivery.work import deliver, eventually, make, open_state, running

pytestmark = pytest.mark.anyio


def sizes(sink: Recorder) -> list[int]:
    return [batch.count for batch in sink.batches]


@pytest.mark.parametrize(
    ("chunks", "most", "expected"),
    [
        ([10], 4, [4, 4, 2]),
        ([3, 3, 3], 4, [4, 4, 1]),
        ([4, 4], 4, [4, 4]),
        ([1, 1, 1], 10, [3]),
        ([2], 1, [1, 1]),
    ],
    ids=str,
)
async def test_a_batch_has_at_most_so_many_events(
    journal: Path, state: State, chunks: list[int], most: int, expected: list[int]
) -> None:
    numbers = iter(range(sum(chunks)))
    lines = [[event_line(next(numbers)) for _ in range(count)] for count in chunks]
    keep(journal / "0", *lines)
    sink = Recorder(batch_events=most)

    await deliver(make(sink, journal, state))

    assert sizes(sink) == expected
    assert b"".join(batch.data for batch in sink.batches).split(b"\n")[:-1] == event_lines(0, sum(chunks))


@pytest.mark.parametrize("carries", [0, 7], ids=["passed on", "decoded"])
async def test_a_batch_has_at_most_so_many_bytes(journal: Path, state: State, carries: int) -> None:
    small, large = event_line(0), event_line(1, properties={"text": "x" * 2000})
    keep(journal / "0", [small, small, large, small, large], [small] * 3, carries=carries)
    sink = Recorder(batch_bytes=Size(1000))

    await deliver(make(sink, journal, state))

    assert all(len(batch.data) <= 1000 or batch.count == 1 for batch in sink.batches)
    assert sum(sizes(sink)) == 8
    assert len(sink.batches) < 8


async def test_a_batch_waits_until_it_is_full(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = Recorder(batch_events=5, batch_time=Duration(3600))
    worker = make(sink, journal, state)

    async with running(worker):
        await eventually(lambda: worker.queue.due)
        waiting = list(sink.batches)
        keep(journal / "0", event_lines(3, 7))
        await eventually(lambda: sink.batches)
        full = sizes(sink)
        worker.stop()

    assert (waiting, full, sum(sizes(sink))) == ([], [3], 7)


async def test_an_old_event_waits_for_no_batch(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = Recorder(batch_events=5, batch_time=Duration(0.05))
    worker = make(sink, journal, state)

    async with running(worker):
        await eventually(lambda: sink.batches)
        worker.stop()

    assert sizes(sink) == [3]


async def test_what_waits_is_delivered_when_the_gateway_stops(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = Recorder(batch_events=5, batch_time=Duration(3600))

    await deliver(make(sink, journal, state))

    assert sizes(sink) == [3]


async def test_after_a_crash_the_batch_in_doubt_is_the_same(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = Named(script=[SinkUnavailable("answer lost")])
    await deliver(make(sink, journal, state))
    keep(journal / "0", event_lines(3, 9))

    await deliver(make(sink, journal, state))

    assert ids(sink) == ["sink/0/0-3", "sink/0/0-3", "sink/0/3-9"]
    assert sink.batches[0].data == sink.batches[1].data


async def test_other_sinks_need_no_such_batch(journal: Path, state: State) -> None:
    one = open_state(journal.parent)
    keep(journal / "0", event_lines(0, 3))
    sink = Recorder(script=[SinkUnavailable("answer lost")])

    await deliver(make(sink, journal, one))

    assert one.intent("sink", "0") is None
    one.close()


async def test_the_batch_that_follows_is_recorded_with_the_batch_before(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 9))
    sink = Named(batch_events=3, script=[None, SinkUnavailable("answer lost")])

    await deliver(make(sink, journal, state))

    intent = state.intent("sink", "0")
    assert intent is not None
    assert (state.position("sink", "0") or (0,))[0] == 3
    assert intent.end == 6


async def test_a_batch_whose_content_changed_gets_another_id(journal: Path, state: State) -> None:
    lines = [event_line(0), event_line(1, type="page"), event_line(2)]
    keep(journal / "0", lines)
    await deliver(make(Named(script=[SinkUnavailable("answer lost")]), journal, state))
    reloaded = Named(types=("track",), script=[SinkUnavailable("answer lost")])

    await deliver(make(reloaded, journal, state))
    await deliver(make(reloaded, journal, state))

    assert ids(reloaded) == ["sink/0/0-3~2", "sink/0/0-3~2"]
    assert [list(batch.positions) for batch in reloaded.batches] == [[0, 2], [0, 2]]


async def test_events_that_the_target_has_give_the_others_no_other_id(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 4))
    sink = Named(script=[SinkUnavailable("reset", delivered=(0, 2)), SinkUnavailable("answer lost")])
    worker = make(sink, journal, state)

    async with running(worker):
        await eventually(lambda: state.tallies() == {"sink": {("delivered", ""): 4}})
        worker.stop()

    assert ids(sink) == ["sink/0/0-4"] * 3
    assert [list(batch.positions) for batch in sink.batches] == [[0, 1, 2, 3], [1, 3], [1, 3]]


async def test_pieces_of_a_refused_batch_keep_their_ids_after_a_crash(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 4))
    sink = Named(script=[SinkRefused("one of them"), None, SinkUnavailable("answer lost")])

    await deliver(make(sink, journal, state))
    await deliver(make(sink, journal, state))

    assert ids(sink) == ["sink/0/0-4", "sink/0/0-2", "sink/0/2-4", "sink/0/2-4"]


async def test_an_event_that_the_target_has_keeps_its_id_where_a_crash_follows_a_piece(
    journal: Path, state: State
) -> None:
    keep(journal / "0", event_lines(0, 5))
    culprits = {0: Culprit("refused"), 3: Culprit("refused")}
    sink = Named(script=[SinkRefused("two of them", culprits, delivered=(1, 2, 4))])

    await deliver(make(sink, journal, state, max_dead=1))
    await deliver(make(sink, journal, state))

    assert ids(sink) == ["sink/0/0-5", "sink/0/3-5"]


async def test_pieces_of_content_that_changed_keep_its_version(journal: Path, state: State) -> None:
    keep(journal / "0", [event_line(0), event_line(1, type="page"), event_line(2), event_line(3)])
    await deliver(make(Named(script=[SinkUnavailable("answer lost")]), journal, state))
    reloaded = Named(
        types=("track",), script=[SinkRefused("one of them"), None, SinkUnavailable("answer lost")]
    )

    await deliver(make(reloaded, journal, state))
    await deliver(make(reloaded, journal, state))

    assert ids(reloaded) == ["sink/0/0-4~2", "sink/0/0-2~2", "sink/0/2-4~2", "sink/0/2-4~2"]


async def test_no_batch_crosses_two_epochs(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 2))
    keep(journal / "0", event_lines(2, 4))
    sink = Recorder()

    await deliver(make(sink, journal, state))

    assert sizes(sink) == [2, 2]
    assert len({batch.epoch for batch in sink.batches}) == 2


async def test_events_that_cannot_be_delivered_in_time_expire(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = Recorder(retry_for=Duration(0), script=[SinkUnavailable("no route to host")])

    await deliver(make(sink, journal, state))

    assert state.tallies() == {"sink": {("dead", "expired"): 3}}


async def test_expired_events_wait_while_there_is_no_room_for_dead_letters(
    journal: Path, state: State
) -> None:
    keep(journal / "0", event_lines(0, 3))
    sink = Recorder(retry_for=Duration(0), script=[SinkUnavailable("no route to host")])

    await deliver(make(sink, journal, state, max_dead=0))

    status = state.statuses.read("sink")
    assert (status.state, "max_dead" in status.message) == ("misconfigured", True)
    assert state.tallies() == {"sink": {}}


@settings(max_examples=40)
@given(
    chunks=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    events=st.integers(1, 12),
    size=st.integers(1, 4000),
    pages=st.sets(st.integers(0, 53)),
)
def test_batches_hold_every_event_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[int], events: int, size: int, pages: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("batches")
    numbers = iter(range(sum(chunks)))
    lines = [
        [event_line(n, type="page" if n in pages else "track") for n in (next(numbers) for _ in range(count))]
        for count in chunks
    ]
    keep(folder / "journal/0", *lines)
    sink = Recorder(types=("track",), batch_events=events, batch_bytes=Size(size))
    state = open_state(folder)

    anyio.run(deliver, make(sink, folder / "journal", state))

    positions = [position for batch in sink.batches for position in batch.positions]
    assert positions == [n for n in range(sum(chunks)) if n not in pages]
    assert [line for batch in sink.batches for line in batch.lines] == [event_line(n) for n in positions]
    assert all(batch.count <= events for batch in sink.batches)
    assert sum(sum(tally.values()) for tally in state.tallies().values()) == sum(chunks)
    state.close()
