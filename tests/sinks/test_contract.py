"""The contract of every kind, through a real worker: what becomes of batches, refusals and faults."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from gateway.sinks.base import Sink
from gateway.state.jobs import Selection, Span
from gateway.state.letters import Choice
from gateway.state.store import State
from tests.build import JOURNAL, event_line, event_lines, keep
from tests.delivery.work import deliver, make, open_state
from tests.sinks.contract import Example, each_example, each_fault, id_of
from tests.sinks.nasty import nasty_lines

EVENTS = 10
DELIVERED = ("delivered", "")
ALL = [f"m{number}" for number in range(EVENTS)]


class Delivery:
    """A journal, and the state of its delivery to one sink."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.state = open_state(folder)

    def keep(self, lines: Sequence[bytes]) -> None:
        keep(self.journal / "0", lines)

    def run(self, sink: Sink, state: State | None = None) -> None:
        """Deliver until nothing is pending or the sink fails."""
        worker = make(sink, self.journal, state or self.state)
        anyio.run(deliver, worker, backend_options={"use_uvloop": True})

    def copy(self, folder: Path) -> State:
        """Return a copy of the state as it is now."""
        folder.mkdir()
        for file in self.folder.glob("state.db*"):
            shutil.copy(file, folder / file.name)
        return State.open(folder / "state.db", JOURNAL)

    @property
    def tally(self) -> dict[tuple[str, str], int]:
        return dict(self.state.tallies().get("sink", {}))

    @property
    def condition(self) -> tuple[str, str]:
        status = self.state.statuses.read("sink")
        return status.state, status.error_class

    @property
    def buried(self) -> list[str]:
        """The messageIds of the dead letters."""
        return [letter.message_id for letter in self.state.dead.select(Choice())]


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return Delivery(tmp_path)


def arrived(example: Example) -> list[str]:
    """Return what has arrived; repeated only where the kind writes once, so that a repetition shows."""
    found = example.arrived()
    return found if example.once else list(dict.fromkeys(found))


@each_example()
def test_with_nothing_to_write_nothing_is_written(
    make: type[Example], delivery: Delivery, tmp_path: Path
) -> None:
    with make(tmp_path) as example:
        delivery.run(example.sink)

        assert not example.retains or example.arrived() == []
        assert delivery.condition[0] == "up"


@each_example(retains=True)
def test_the_same_batch_twice_is_written_once_where_the_kind_says_so(
    make: type[Example], delivery: Delivery, tmp_path: Path
) -> None:
    with make(tmp_path) as example:
        delivery.run(example.sink)
        before = delivery.copy(tmp_path / "before")
        delivery.keep(event_lines(0, EVENTS))
        delivery.run(example.sink)
        delivery.run(example.sink, before)

        assert Counter(example.arrived()) == dict.fromkeys(ALL, 1 if example.once else 2)


@each_example(refuses=True)
@pytest.mark.parametrize(
    "culprits",
    [[0], [EVENTS // 2], [EVENTS - 1], [2, 3, 7], list(range(EVENTS))],
    ids=["first", "middle", "last", "several", "all"],
)
def test_exactly_the_culprits_are_buried_with_the_words_of_the_target(
    make: type[Example], culprits: list[int], delivery: Delivery, tmp_path: Path
) -> None:
    with make(tmp_path) as example:
        delivery.keep(
            [
                example.spoil(line) if number in culprits else line
                for number, line in enumerate(event_lines(0, EVENTS))
            ]
        )
        delivery.run(example.sink)

        assert delivery.buried == [ALL[number] for number in culprits]
        assert all(letter.message for letter in delivery.state.dead.select(Choice()))
        assert arrived(example) == [id for id in ALL if id not in delivery.buried]
        assert sum(delivery.tally.values()) == EVENTS
        assert delivery.tally.get(DELIVERED, 0) == EVENTS - len(culprits)
        assert delivery.condition[0] == "up"


@each_example(has_credentials=True)
def test_wrong_credentials_bury_nothing(make: type[Example], delivery: Delivery, tmp_path: Path) -> None:
    delivery.keep(event_lines(0, EVENTS))

    with make(tmp_path) as example:
        delivery.run(example.denied())
        denied = delivery.condition, delivery.buried, delivery.tally.get(DELIVERED, 0), example.arrived()
        delivery.run(example.sink)

        assert denied == (("misconfigured", "SinkMisconfigured"), [], 0, [])
        assert arrived(example) == ALL


@each_fault()
def test_a_fault_of_the_target_buries_nothing_and_loses_nothing(
    make: type[Example], fault: str, delivery: Delivery, tmp_path: Path
) -> None:
    delivery.keep(event_lines(0, EVENTS))

    with make(tmp_path) as example:
        with example.broken(fault) as sink:
            delivery.run(sink)
            broken = delivery.condition, delivery.buried, delivery.tally.get(DELIVERED, 0)
        delivery.run(example.sink)

        assert broken == (("retrying", "SinkUnavailable"), [], 0)
        assert arrived(example) == ALL
        assert delivery.condition == ("up", "")
        assert delivery.tally == {DELIVERED: EVENTS}


@each_example()
def test_the_nastiest_events_are_delivered_or_buried_with_a_reason(
    make: type[Example], delivery: Delivery, tmp_path: Path
) -> None:
    lines = nasty_lines()
    delivery.keep(lines)

    with make(tmp_path) as example:
        delivery.run(example.sink)

        letters = list(delivery.state.dead.select(Choice()))
        assert delivery.condition == ("up", "")
        assert sum(delivery.tally.values()) == len(lines)
        assert [letter for letter in letters if not letter.message or letter.code == "internal_error"] == []
        if example.retains:
            every = [id_of(line) for line in lines]
            assert sorted([*example.arrived(), *delivery.buried]) == sorted(every)


@each_example(refuses=True)
def test_a_retried_letter_that_is_refused_again_stays_one(
    make: type[Example], delivery: Delivery, tmp_path: Path
) -> None:
    with make(tmp_path) as example:
        delivery.keep([event_line(0), example.spoil(event_line(1)), event_line(2)])
        delivery.run(example.sink)
        delivery.state.jobs.retry("sink", Choice(), 0, None)
        delivery.run(example.sink)

        assert (delivery.buried, arrived(example)) == (["m1"], ["m0", "m2"])
        assert sum(delivery.tally.values()) == 3


@each_example(retains=True)
def test_a_replay_makes_no_second_copy_where_the_kind_says_so(
    make: type[Example], delivery: Delivery, tmp_path: Path
) -> None:
    delivery.keep(event_lines(0, EVENTS))

    with make(tmp_path) as example:
        delivery.run(example.sink)
        delivery.state.jobs.replay("sink", Selection(), {"0": Span(0, EVENTS)}, 0)
        delivery.run(example.sink)

        assert Counter(example.arrived()) == dict.fromkeys(ALL, 1 if example.replays_once else 2)
        assert delivery.tally == {DELIVERED: EVENTS, ("replayed", ""): EVENTS}
