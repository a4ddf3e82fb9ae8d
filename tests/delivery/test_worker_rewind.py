"""Unknown positions: delivery restarts with the oldest event, and each event is counted."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.journal.base import Position
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.build import event_lines, keep, open_files
from tests.delivery.work import deliver, make
from tests.fakes import ScriptedSink

pytestmark = pytest.mark.anyio

DELIVERED = ("delivered", "")


@pytest.mark.parametrize(
    "position",
    [
        pytest.param(Position(9), id="past the end"),
        pytest.param(Position(2, 12345), id="of another history"),
    ],
)
async def test_after_an_unknown_position_delivery_restarts_with_the_oldest_event(
    tmp_path: Path, state: State, position: Position
) -> None:
    keep(tmp_path / "journal/0", event_lines(0, 5))
    state.record("sink", "0", position, Tally({DELIVERED: position.number}))
    sink = ScriptedSink()

    with capture_logs() as logged:
        await deliver(make(sink, tmp_path / "journal", state))

    assert sink.taken == event_lines(0, 5)
    number = position.number
    assert state.tallies()["sink"] == Tally({DELIVERED: number + 5, ("rewound", ""): number})
    assert [(each["position"], each["oldest"]) for each in logged if each["log_level"] == "warning"] == [
        (number, 0)
    ]


async def test_events_deleted_before_delivery_count_as_skipped(tmp_path: Path, state: State) -> None:
    gone = keep(tmp_path / "journal/0", event_lines(0, 3))
    keep(tmp_path / "journal/0", event_lines(3, 5))
    state.record("sink", "0", Position(1), Tally({DELIVERED: 1}))
    gone.unlink()
    sink = ScriptedSink()

    await deliver(make(sink, tmp_path / "journal", state))

    assert sink.taken == event_lines(3, 5)
    assert state.tallies()["sink"] == Tally({DELIVERED: 3, ("skipped", "not_kept"): 2})


async def test_going_back_to_what_is_recorded_leaves_no_file_open(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 3))
    queue = make(ScriptedSink(), journal, state).queue
    queue.next(flush=True)
    queue.clear()
    before = open_files(journal)

    for _ in range(20):
        queue.next(flush=True)
        queue.clear()

    assert open_files(journal) == before
