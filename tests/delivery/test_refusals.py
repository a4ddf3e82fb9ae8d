"""Events that a sink refuses become dead letters; all others are delivered, and the sums balance."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from gateway.delivery.enrich import Enricher
from gateway.delivery.guard import MAX_IN_A_ROW, MAX_PER_MINUTE, Guard
from gateway.errors import Culprit, SinkError, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch, Connection, Sink
from gateway.state.letters import Choice, Letter
from gateway.state.store import State
from tests.build import event_lines, keep
from tests.delivery.work import deliver, make

pytestmark = pytest.mark.anyio

EVENTS = 40
REASON = "column revenue: not a number"
REFUSED = ("dead", "refused")
DELIVERED = ("delivered", "")


class Picky(Sink, tag="picky"):
    """Refuses the events with some message ids, in one of several manners."""

    refuses: set[str] = msgspec.field(default_factory=set)
    manner: str = "silent"
    taken: list[str] = msgspec.field(default_factory=list)
    batches: list[Batch] = msgspec.field(default_factory=list)
    failing: list[SinkError] = msgspec.field(default_factory=list)

    @asynccontextmanager
    async def connect(self, name: str, receipt: bytes) -> AsyncIterator[Connection]:
        yield PickyConnection(self)


class PickyConnection:
    receipt = b""

    def __init__(self, sink: Picky) -> None:
        self._sink = sink

    async def write(self, batch: Batch, /) -> bytes:
        sink = self._sink
        sink.batches.append(batch)
        if sink.failing:
            raise sink.failing.pop(0)
        ids = [json.loads(line)["messageId"] for line in batch.lines]
        bad = {index for index, id in enumerate(ids) if id in sink.refuses}
        good = [index for index in range(len(ids)) if index not in bad]
        if bad and sink.manner == "silent":
            raise SinkRefused(REASON, answer="HTTP 400")
        culprits = {index: Culprit(REASON, answer=f"line {index}") for index in bad}
        if bad and sink.manner == "names":
            raise SinkRefused("refused", culprits)
        if bad and sink.manner == "names others too":
            raise SinkRefused("refused", {**culprits, -1: Culprit("before"), len(ids) + 3: Culprit("behind")})
        if bad and sink.manner == "names others alone":
            raise SinkRefused(REASON, {len(ids): Culprit("behind")})
        if bad and sink.manner == "names first":
            raise SinkRefused("refused", {min(bad): culprits[min(bad)]})
        sink.taken += [ids[index] for index in good]
        if bad and sink.manner == "accepts others":
            raise SinkRefused("refused", culprits, delivered=good)
        return b""


MANNERS = ("silent", "names", "names first", "names others too", "names others alone", "accepts others")


def letters(state: State) -> list[Letter]:
    return list(state.dead.select(Choice()))


def ids(*numbers: int) -> set[str]:
    return {f"m{number}" for number in numbers}


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize(
    "numbers", [(0,), (EVENTS // 2,), (EVENTS - 1,), (3, 4, 5), tuple(range(0, EVENTS, 4))], ids=str
)
async def test_exactly_the_refused_events_are_buried(
    journal: Path, state: State, manner: str, numbers: tuple[int, ...]
) -> None:
    keep(journal / "0", event_lines(0, EVENTS))
    sink = Picky(refuses=ids(*numbers), manner=manner)

    await deliver(make(sink, journal, state))

    assert [letter.position for letter in letters(state)] == list(numbers)
    assert sink.taken == [f"m{number}" for number in range(EVENTS) if number not in numbers]
    assert state.tallies() == {
        "sink": {DELIVERED: EVENTS - len(numbers), REFUSED: len(numbers)},
    }


async def test_a_letter_holds_the_event_and_the_words_of_the_target(journal: Path, state: State) -> None:
    lines = event_lines(0, 3)
    keep(journal / "0", lines)

    await deliver(make(Picky(refuses=ids(1), manner="names"), journal, state))

    [letter] = letters(state)
    assert (letter.sink, letter.partition, letter.position, letter.batch) == ("sink", "0", 1, "sink/0/1-2")
    assert (letter.code, letter.message, letter.answer) == ("refused", REASON, "line 1")
    assert (letter.message_id, letter.source, letter.type, letter.event) == (
        "m1",
        "default",
        "track",
        "Ordered",
    )
    assert letter.canonical == lines[1]
    assert letter.tries == 1
    assert 0 < letter.first_failed_at <= letter.last_failed_at


async def test_halving_takes_few_attempts(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 1024))
    sink = Picky(refuses=ids(700))

    await deliver(make(sink, journal, state))

    assert len(sink.batches) <= 2 * 10 + 1


async def test_no_id_stands_for_two_contents(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, EVENTS))
    sink = Picky(refuses=ids(7, 30))

    await deliver(make(sink, journal, state))

    contents = {(batch.id, batch.data) for batch in sink.batches}
    assert len(contents) == len({id for id, _ in contents})
    assert all(list(batch.positions) == list(range(batch.first, batch.end)) for batch in sink.batches)


async def test_a_failure_between_the_pieces_loses_and_repeats_nothing(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 8))
    sink = Picky(refuses=ids(5))
    worker = make(sink, journal, state)
    sink.failing = [SinkRefused("no"), SinkUnavailable("down")]

    await deliver(worker)
    await deliver(make(sink, journal, state))

    assert sink.taken == [f"m{number}" for number in range(8) if number != 5]
    assert [letter.position for letter in letters(state)] == [5]


@pytest.mark.parametrize("manner", MANNERS)
async def test_a_broken_target_empties_no_journal_into_the_dead_letters(
    journal: Path, state: State, manner: str
) -> None:
    keep(journal / "0", event_lines(0, 500))
    everything = ids(*range(500))

    await deliver(make(Picky(refuses=everything, manner=manner), journal, state))

    assert [letter.position for letter in letters(state)] == list(range(MAX_IN_A_ROW))
    status = state.statuses.read("sink")
    assert (status.state, status.held, status.error_class) == ("misconfigured", True, "SinkHeld")
    assert REASON in status.message
    assert "gateway sinks resume sink" in status.message


async def test_a_held_sink_is_not_tried_after_a_restart(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 50))
    await deliver(make(Picky(refuses=ids(*range(50))), journal, state))
    fixed = Picky()

    await deliver(make(fixed, journal, state))

    assert fixed.batches == []


async def test_after_it_is_resumed_a_mended_target_gets_the_rest(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 50))
    await deliver(make(Picky(refuses=ids(*range(50))), journal, state))
    fixed = Picky()
    worker = make(fixed, journal, state)
    worker.resume()

    await deliver(worker)

    assert fixed.taken == [f"m{number}" for number in range(MAX_IN_A_ROW, 50)]
    assert state.tallies() == {"sink": {DELIVERED: 30, REFUSED: MAX_IN_A_ROW}}
    assert (state.statuses.read("sink").state, state.statuses.read("sink").held) == ("up", False)


@pytest.mark.parametrize("manner", ["names", "accepts others"])
async def test_refused_events_among_accepted_ones_hold_no_sink(
    journal: Path, state: State, manner: str
) -> None:
    keep(journal / "0", event_lines(0, 200))
    sink = Picky(refuses=ids(*range(0, 200, 4)), manner=manner)

    await deliver(make(sink, journal, state))

    assert len(letters(state)) == 50
    assert state.statuses.read("sink").state == "up"


def test_the_guard_counts_a_minute() -> None:
    now = 0.0
    guard = Guard(lambda: now)
    for _ in range(MAX_PER_MINUTE):
        assert guard.allows()
        guard.refused()
        guard.delivered()

    assert not guard.allows()
    now = 59.9
    assert not guard.allows()
    now = 60.0
    assert guard.allows()


async def test_full_dead_letters_stop_the_sink_and_lose_nothing(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, EVENTS))
    sink = Picky(refuses=ids(2, 30))

    await deliver(make(sink, journal, state, max_dead=1))

    assert [letter.position for letter in letters(state)] == [2]
    assert "max_dead" in state.statuses.read("sink").message
    state.dead.drop(Choice())
    await deliver(make(sink, journal, state, max_dead=1))
    assert [letter.position for letter in letters(state)] == [30]
    assert state.tallies()["sink"] == {DELIVERED: EVENTS - 2, REFUSED: 1, ("skipped", "dropped"): 1}


async def test_events_the_target_has_are_not_sent_again_after_a_failure(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 4))
    sink = Picky()
    sink.failing = [SinkUnavailable("reset", delivered=(0, 2))]

    await deliver(make(sink, journal, state))
    await deliver(make(sink, journal, state))

    assert state.tallies() == {"sink": {DELIVERED: 4}}


class BrokenEnricher(Enricher):
    """Has a bug that one event brings out."""

    def enrich(self, lines: list[bytes]) -> list[bytes]:
        if any(b'"m3"' in line for line in lines):
            raise KeyError("currency")
        return lines


async def test_an_error_of_our_own_code_is_a_dead_letter_of_that_event(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    sink = Picky()

    await deliver(make(sink, journal, state, enricher=BrokenEnricher(journal / "products.db")))

    [letter] = letters(state)
    assert (letter.position, letter.code, letter.message) == (3, "internal_error", "KeyError: 'currency'")
    assert sink.taken == ["m0", "m1", "m2", "m4", "m5"]
