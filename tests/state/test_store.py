"""The state of each sink: position, receipt and tally, changed together."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import LeaseLost, StateUnavailable
from gateway.journal.base import Position
from gateway.postgresql.place import Place
from gateway.state.base import Connection
from gateway.state.intents import Intent
from gateway.state.jobs import Selection, Span
from gateway.state.store import State
from gateway.state.tally import Tally
from gateway.state.verdicts import Indexed
from tests.databases import spell

DELIVERED, REPLAYED = ("delivered", ""), ("replayed", "")
ROOT = Path(__file__).parents[2]


def test_a_new_sink_has_no_position_and_no_receipt(state: State) -> None:
    assert state.position("sink", "0") is None
    assert state.receipt("sink") == b""
    assert (state.positions(), state.tallies()) == ({}, {})


def test_each_sink_has_its_own_position_in_each_partition(state: State) -> None:
    state.record("a", "0", Position(1, 7), Tally())
    state.record("a", "1", Position(2, 8), Tally())
    state.record("b", "0", Position(3), Tally())

    assert state.position("a", "1") == Position(2, 8)
    assert state.positions() == {
        ("a", "0"): Position(1, 7),
        ("a", "1"): Position(2, 8),
        ("b", "0"): Position(3, 0),
    }


def test_a_position_can_be_moved_back(state: State) -> None:
    state.record("sink", "0", Position(9, 2), Tally({DELIVERED: 9}))

    state.record("sink", "0", Position(4, 1), Tally({("rewound", ""): 5}))

    assert state.position("sink", "0") == Position(4, 1)
    assert state.tallies() == {"sink": Tally({DELIVERED: 9, ("rewound", ""): 5})}


def test_counts_add_up_over_batches_and_partitions(state: State) -> None:
    state.record("sink", "0", Position(3), Tally({DELIVERED: 2, ("filtered", "type"): 1}))
    state.record("sink", "0", Position(6), Tally({DELIVERED: 3, ("filtered", "source"): 0}))
    state.record("sink", "1", Position(4), Tally({DELIVERED: 4}))

    assert state.tallies() == {"sink": {DELIVERED: 9, ("filtered", "type"): 1}}


def test_a_receipt_is_retained_until_there_is_a_new_one(state: State) -> None:
    state.save_receipt("sink", b"at first")
    kept = state.receipt("sink")
    state.record("sink", "0", Position(1), Tally(), bytes(range(256)))
    state.record("sink", "0", Position(2), Tally())

    assert (kept, state.receipt("sink"), state.receipt("other")) == (b"at first", bytes(range(256)), b"")


def test_recorded_progress_survives_a_kill(place: Place, state: State) -> None:
    program = """
import os
from tests.databases import parse
from tests.state.conftest import ID
from tests.state.test_store import *
state = State.open(parse(sys.argv[1]), ID)
state.record("sink", "0", Position(3, 1), Tally({DELIVERED: 3}), b"receipt")
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", program, spell(place)], cwd=ROOT, check=False)

    assert killed.returncode == -9
    assert state.position("sink", "0") == Position(3, 1)
    assert (state.receipt("sink"), state.tallies()) == (b"receipt", {"sink": {DELIVERED: 3}})


def test_a_failed_record_changes_nothing(state: State) -> None:
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}), b"before")

    with pytest.raises((OverflowError, StateUnavailable)):  # SQLite's, PostgreSQL's
        state.record("sink", "0", Position(2**70), Tally({DELIVERED: 6}), b"after")
    state.record("other", "0", Position(1), Tally())

    assert state.position("sink", "0") == Position(3)
    assert (state.receipt("sink"), state.tallies()["sink"]) == (b"before", {DELIVERED: 3})


def test_several_processes_record_concurrently(place: Place, state: State) -> None:
    program = """
from tests.databases import parse
from tests.state.conftest import ID
from tests.state.test_store import *
state = State.open(parse(sys.argv[1]), ID)
for number in range(1, 31):
    state.record(sys.argv[2], "0", Position(number), Tally({DELIVERED: 1}), b"%d" % number)
"""
    sinks = ["a", "b", "c"]
    command = [sys.executable, "-c", program, spell(place)]
    processes = [subprocess.Popen([*command, sink], cwd=ROOT) for sink in sinks]

    codes = [process.wait() for process in processes]

    assert codes == [0, 0, 0]
    assert state.positions() == {(sink, "0"): Position(30) for sink in sinks}
    assert state.tallies() == {sink: {DELIVERED: 30} for sink in sinks}
    assert [state.receipt(sink) for sink in sinks] == [b"30"] * 3


def test_another_process_can_read_while_one_records(place: Place, state: State) -> None:
    looking = State.open_read_only(place)
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}))

    assert looking.positions() == {("sink", "0"): Position(3)}

    with pytest.raises(StateUnavailable, match="open for reading only"):
        looking.record("sink", "0", Position(4), Tally())
    looking.close()


def test_reading_a_missing_state_is_an_error(empty: Place, tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable):
        State.open_read_only(empty)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", [None, Position(3), Position(4, 7)], ids=["none", "number", "epoch"])
def test_progress_after_another_position_than_the_recorded_one_is_refused(
    state: State, after: Position | None
) -> None:
    state.record("sink", "0", Position(3, 7), Tally({DELIVERED: 3}), after=None)

    with pytest.raises(LeaseLost):
        state.record("sink", "0", Position(9, 7), Tally({DELIVERED: 6}), b"receipt", after=after)
    state.record("sink", "0", Position(5, 7), Tally({DELIVERED: 2}), after=Position(3, 7))

    assert state.position("sink", "0") == Position(5, 7)
    assert (state.receipt("sink"), state.tallies()) == (b"", {"sink": {DELIVERED: 5}})


def test_a_replay_that_is_as_far_already_is_refused(state: State) -> None:
    state.record("sink", "0", Position(9), Tally({DELIVERED: 9}))
    job = state.jobs.replay("sink", Selection(), {"0": Span(0, 9)}, 0).id
    state.record_replay("sink", job, "0", Span(5, 9), 5, 0)

    with pytest.raises(LeaseLost):
        state.record_replay("sink", job, "0", Span(5, 9), 5, 0)

    assert (state.jobs.all()[0].sent, state.tallies()["sink"][REPLAYED]) == (5, 5)


def test_a_fence_that_fails_leaves_everything_as_it_was(state: State) -> None:
    class Lost:
        def check(self, connection: Connection, sink: str, partition: str, /) -> None:
            raise LeaseLost(f"{sink} {partition}")

    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}))
    state.use_fence(Lost())

    with pytest.raises(LeaseLost, match="sink 0"):
        state.record("sink", "0", Position(4), Tally({DELIVERED: 1}))
    with pytest.raises(LeaseLost, match="sink 0"):
        state.save_intent("sink", "0", Intent(9, "digest"))
    with pytest.raises(LeaseLost, match="/upkeep 0"):
        state.verdicts.record([Indexed("0", Position(5), [3])])

    assert state.position("sink", "0") == Position(3)
    assert (state.intent("sink", "0"), state.verdicts.positions()) == (None, {})
