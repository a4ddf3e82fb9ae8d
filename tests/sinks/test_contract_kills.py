"""
Every kind through kills between a write and its record, and beside a second process with an old position.

`--rounds 500` runs it longer. To see it go red, let `Statements.advance` of sinks/postgresql/statements.py
compare nothing, or `names.file_name` of sinks/storage/names.py add a random number.
"""

import random
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from gateway.delivery.guard import MAX_PER_MINUTE
from gateway.journal.base import Position
from gateway.state.jobs import Selection, Span
from gateway.state.letters import Burial, Choice
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.build import JOURNAL, event_lines, keep, open_log, read_all
from tests.sinks.contract import Example, each_example
from tests.sinks.killed import Death, Life

ROUNDS = 25
JOB_ROUNDS = 8
EVENTS_PER_ROUND = 20
MOST_EVENTS = 40
"""In a batch."""
LONGEST_LIFE_SECONDS = 1.0

PARTITION = 1_000_000
"""The number of the first event of each partition is a multiple of it."""


def is_poison(number: int) -> bool:
    """Return whether an event is to be refused; of two partitions fewer than the guard lets pass at once."""
    return number % 37 == 5 and number < 37 * MAX_PER_MINUTE // 2 - 37


def write(folder: Path, chance: random.Random, first: int, end: int, example: Example | None = None) -> None:
    """Write events to two partitions, in chunks of random sizes; some are poison to its target."""
    for partition in (0, 1):
        start = PARTITION * partition
        cuts = sorted({first, end, *(chance.randrange(first, end) for _ in range(10))})
        lines = event_lines(start + first, start + end)
        if example and example.refuses:
            lines = [
                example.spoil(line) if is_poison(number) else line for number, line in enumerate(lines, first)
            ]
        chunks = (lines[one - first : other - first] for one, other in pairwise(cuts))
        keep(folder / f"journal/{partition}", *chunks)


def order_jobs(folder: Path, events: int) -> None:
    """Bury the first half of the events of each partition, and order their retry and a replay of all."""
    state = State.open(folder / "state.db", JOURNAL)
    for partition in (0, 1):
        lines = read_all(folder / f"journal/{partition}").lines[: events // 2]
        reader = open_log(folder / "journal").reader(f"{partition}")
        found = reader.read(Position(0))
        assert found
        buried = [
            Burial(number, found.end.epoch, "", "expired", "not in time", "", 1, 1, 1, line)
            for number, line in enumerate(lines)
        ]
        end = Position(len(lines), found.end.epoch)
        state.record("sink", f"{partition}", end, Tally({("dead", "expired"): len(lines)}), burials=buried)
        reader.close()
    state.jobs.retry("sink", Choice(), 0, None)
    state.jobs.replay("sink", Selection(), {each: Span(0, events) for each in ("0", "1")}, 0)
    state.close()


def check(example: Example, folder: Path, events: int, *, poisoned: bool = False, copies: int = 1) -> None:
    """Check that each event has arrived or is buried, in order, and as often as the kind says."""
    every = {f"m{PARTITION * p + number}": is_poison(number) for p in (0, 1) for number in range(events)}
    poison = {each for each, is_poison in every.items() if is_poison and poisoned and example.refuses}
    good = [each for each in every if each not in poison]
    state = State.open_read_only(folder / "state.db")
    tally = state.tallies()["sink"]
    buried = [letter.message_id for letter in state.dead.select(Choice())]
    state.close()
    replayed = tally.pop(("replayed", ""), 0)
    assert replayed in (0, len(good))
    assert tally[("delivered", "")] == len(good)
    assert sum(tally.values()) == len(every)
    assert sorted(buried) == sorted(poison)
    if example.retains:
        arrived = example.arrived()
        if not example.once:
            arrived = list(dict.fromkeys(arrived))
        if copies > 1 or replayed:  # a replay is beside the live events, in any order
            assert Counter(arrived) == dict.fromkeys(good, copies if example.once else 1)
        else:
            assert sorted(arrived, key=lambda each: int(each[1:]) // PARTITION) == good


def death(chance: random.Random) -> Death:
    """Return a death between a write and its record or, one in four, at any moment."""
    batches = chance.randrange(1, 4)
    if chance.random() < 0.75:
        return Death(batches)
    return Death(batches, chance.uniform(0.05, LONGEST_LIFE_SECONDS))


def deliver_in_lives(example: Example, folder: Path, chance: random.Random, deaths: list[Death]) -> None:
    """Deliver in processes that are killed, with batches of other sizes each, and then to the end."""
    killed = 0
    for death in deaths:
        sink = msgspec.structs.replace(example.sink, batch_events=chance.randrange(1, MOST_EVENTS))
        killed += Life(folder, sink, death, output=example.output).was_killed()
    assert not Life(folder, example.sink, output=example.output).was_killed()
    assert killed >= len(deaths) // 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the state of a journal."""
    State.prepare(tmp_path / "state.db", JOURNAL)
    return tmp_path


@each_example()
def test_kills_lose_nothing_and_repeat_nothing_where_the_kind_writes_once(
    make: type[Example], folder: Path, rounds: int | None, chance: random.Random
) -> None:
    rounds = rounds or ROUNDS
    events = rounds * EVENTS_PER_ROUND

    with make(folder) as example:
        write(folder, chance, 0, events, example)
        deliver_in_lives(example, folder, chance, [death(chance) for _ in range(rounds)])

        check(example, folder, events, poisoned=True)


@each_example(retains=True)
def test_kills_while_jobs_run_repeat_nothing_of_them_where_the_kind_writes_once(
    make: type[Example], folder: Path, rounds: int | None, chance: random.Random
) -> None:
    rounds = rounds or JOB_ROUNDS
    events = rounds * EVENTS_PER_ROUND

    with make(folder) as example:
        write(folder, chance, 0, events, example)
        order_jobs(folder, events)
        deliver_in_lives(example, folder, chance, [Death(chance.randrange(1, 4)) for _ in range(rounds)])

        check(example, folder, events, poisoned=True, copies=1 if example.replays_once else 2)


@each_example(once=True, retains=True)
@pytest.mark.parametrize("together", [False, True], ids=["after it", "beside it"])
def test_a_second_process_with_an_old_position_repeats_nothing(
    make: type[Example], together: bool, folder: Path, chance: random.Random
) -> None:
    with make(folder) as example:
        write(folder, chance, 0, 100)
        Life(folder, example.sink).was_killed()
        for file in folder.glob("state.db*"):
            shutil.copy(file, file.with_name(file.name.replace("state", "old")))
        write(folder, chance, 100, 200)
        first = Life(folder, example.sink)
        if not together:
            first.was_killed()
        second = Life(folder, example.sink, state="old.db")

        assert not second.was_killed()
        assert not first.was_killed()
        check(example, folder, 200)
