"""The state of each sink: position, receipt and tally, changed together."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StateUnavailable
from gateway.journal.base import Position
from gateway.state.store import State
from gateway.state.tally import Tally

DELIVERED = ("delivered", "")
ID = bytes(range(16))
PAGE = 4096 + 24
"""A page in the write-ahead log with its header."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    State.prepare(tmp_path / "state.db", ID)
    return tmp_path / "state.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    opened = State.open(path, ID)
    yield opened
    opened.close()


def log_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


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


def test_recorded_progress_survives_a_kill(path: Path, state: State) -> None:
    program = """
import os
from tests.state.test_store import *
state = State.open(Path(sys.argv[1]), ID)
state.record("sink", "0", Position(3, 1), Tally({DELIVERED: 3}), b"receipt")
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)

    assert killed.returncode == -9
    assert state.position("sink", "0") == Position(3, 1)
    assert (state.receipt("sink"), state.tallies()) == (b"receipt", {"sink": {DELIVERED: 3}})


def test_a_failed_record_changes_nothing(state: State) -> None:
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}), b"before")

    with pytest.raises(OverflowError):
        state.record("sink", "0", Position(2**70), Tally({DELIVERED: 6}), b"after")
    state.record("other", "0", Position(1), Tally())

    assert state.position("sink", "0") == Position(3)
    assert (state.receipt("sink"), state.tallies()["sink"]) == (b"before", {DELIVERED: 3})


def test_several_processes_record_concurrently(path: Path, state: State) -> None:
    program = """
from tests.state.test_store import *
state = State.open(Path(sys.argv[1]), ID)
for number in range(1, 101):
    state.record(sys.argv[2], "0", Position(number), Tally({DELIVERED: 1}), b"%d" % number)
"""
    sinks = ["a", "b", "c"]
    command = [sys.executable, "-c", program, str(path)]
    processes = [subprocess.Popen([*command, sink], cwd=ROOT) for sink in sinks]

    codes = [process.wait() for process in processes]

    assert codes == [0, 0, 0]
    assert state.positions() == {(sink, "0"): Position(100) for sink in sinks}
    assert state.tallies() == {sink: {DELIVERED: 100} for sink in sinks}
    assert [state.receipt(sink) for sink in sinks] == [b"100"] * 3


def test_a_recorded_batch_costs_two_small_pages(path: Path, state: State) -> None:
    sinks, partitions = [f"sink-{number}" for number in range(10)], "0123"
    tally = Tally({DELIVERED: 10**9, ("filtered", "type"): 10**9, ("filtered", "consent"): 10**9})
    for sink in sinks:
        for partition in partitions:
            state.record(sink, partition, Position(10**12, 1), tally, b"receipt " * 8)
    before, growth = log_size(path), []

    for sink in sinks:
        state.record(sink, "2", Position(10**12 + 1, 1), tally, b"another " * 8)
        growth.append(log_size(path) - before)
        before += growth[-1]

    assert max(growth) <= 2 * PAGE


def test_the_write_ahead_log_does_not_grow_without_bound(path: Path, state: State) -> None:
    for number in range(2000):
        state.record("sink", "0", Position(number), Tally({DELIVERED: 1}), b"receipt")

    assert log_size(path) < 500 * PAGE


def test_another_process_can_read_while_one_records(path: Path, state: State) -> None:
    looking = State.open_read_only(path)
    state.record("sink", "0", Position(3), Tally({DELIVERED: 3}))

    assert looking.positions() == {("sink", "0"): Position(3)}

    with pytest.raises(StateUnavailable, match="open for reading only"):
        looking.record("sink", "0", Position(4), Tally())
    looking.close()


def test_reading_a_missing_state_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable):
        State.open_read_only(tmp_path / "state.db")

    assert list(tmp_path.iterdir()) == []
