"""
Every kind through kills between a write and its record, and beside a second process with an old position.

`--rounds 500` runs it longer. To see it go red, let `Statements.advance` of sinks/postgresql/statements.py
compare nothing, or `names.file_name` of sinks/storage/names.py add a random number.
"""

import random
import shutil
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from gateway.state.store import State
from tests.build import JOURNAL, event_lines, keep
from tests.sinks.contract import Example, each_example
from tests.sinks.killed import Death, Life

ROUNDS = 10
EVENTS_PER_ROUND = 20
MOST_EVENTS = 40
"""In a batch."""
LONGEST_LIFE_SECONDS = 1.0

PARTITION = 1_000_000
"""The number of the first event of each partition is a multiple of it."""


def prepare(folder: Path, chance: random.Random, events: int) -> None:
    """Make a state, and a journal of two partitions."""
    State.prepare(folder / "state.db", JOURNAL)
    write(folder, chance, 0, events)


def write(folder: Path, chance: random.Random, first: int, end: int) -> None:
    """Write events to each partition, in chunks of random sizes."""
    for partition in (0, 1):
        start = PARTITION * partition
        cuts = sorted({first, end, *(chance.randrange(first, end) for _ in range(10))})
        keep(
            folder / f"journal/{partition}",
            *(event_lines(start + one, start + other) for one, other in pairwise(cuts)),
        )


def expected(events: int, partitions: int = 2) -> list[str]:
    return [f"m{PARTITION * p + number}" for p in range(partitions) for number in range(events)]


def check(example: Example, folder: Path, events: int) -> None:
    """Check that each event has arrived, in order, and once if the kind says so."""
    state = State.open_read_only(folder / "state.db")
    assert state.tallies() == {"sink": {("delivered", ""): 2 * events}}
    state.close()
    if not example.retains:
        return
    arrived = example.arrived()
    if not example.once:
        arrived = list(dict.fromkeys(arrived))
    by_partition = sorted(arrived, key=lambda each: int(each[1:]) // PARTITION)
    assert by_partition == expected(events)


@each_example()
def test_kills_lose_nothing_and_repeat_nothing_where_the_kind_writes_once(
    make: type[Example], tmp_path: Path, rounds: int | None, chance: random.Random
) -> None:
    rounds = rounds or ROUNDS
    events = rounds * EVENTS_PER_ROUND
    prepare(tmp_path, chance, events)

    with make(tmp_path) as example:
        killed = 0
        for _ in range(rounds):
            sink = msgspec.structs.replace(example.sink, batch_events=chance.randrange(1, MOST_EVENTS))
            death = Death(chance.randrange(1, 4), chance.uniform(0.05, LONGEST_LIFE_SECONDS))
            killed += Life(tmp_path, sink, death, output=example.output).was_killed()
        assert not Life(tmp_path, example.sink, output=example.output).was_killed()

        assert killed >= rounds // 2
        check(example, tmp_path, events)


@each_example(once=True, retains=True)
@pytest.mark.parametrize("together", [False, True], ids=["after it", "beside it"])
def test_a_second_process_with_an_old_position_repeats_nothing(
    make: type[Example], together: bool, tmp_path: Path, chance: random.Random
) -> None:
    prepare(tmp_path, chance, 100)

    with make(tmp_path) as example:
        Life(tmp_path, example.sink).was_killed()
        for file in tmp_path.glob("state.db*"):
            shutil.copy(file, file.with_name(file.name.replace("state", "old")))
        write(tmp_path, chance, 100, 200)
        first = Life(tmp_path, example.sink)
        if not together:
            first.was_killed()
        second = Life(tmp_path, example.sink, state="old.db")

        assert not second.was_killed()
        assert not first.was_killed()
        check(example, tmp_path, 200)
