"""Dead letters and the jobs that retry them: nothing is lost or counted twice, whatever happens meanwhile."""

from threading import Thread

import pytest

from gateway.event import read_subject
from gateway.journal.base import Position
from gateway.postgresql.place import Place
from gateway.state.jobs import Span
from gateway.state.letters import Burial, Choice, Group, Letter
from gateway.state.store import State
from gateway.state.tally import Tally
from tests.build import event_line
from tests.state.conftest import ID

DELIVERED, REFUSED, DROPPED = ("delivered", ""), ("dead", "refused"), ("skipped", "dropped")


def burial(position: int, code: str = "refused", *, message: str = "no", line: bytes = b"") -> Burial:
    canonical = line or event_line(event=f"event {position % 2}", userId="ann")
    return Burial(
        position, 7, f"batch-{position}", code, message, "answer", 1, 1000, 2000 + position, canonical
    )


def bury(state: State, *burials: Burial, sink: str = "sink", partition: str = "0") -> None:
    """Let events become dead letters."""
    before = state.position(sink, partition) or Position(0)
    end = max(each.position for each in burials) + 1
    tally = Tally(("dead", each.code) for each in burials)
    state.record(sink, partition, Position(max(before.number, end), 7), tally, burials=burials)


def positions(state: State, choice: Choice = Choice()) -> list[int]:  # noqa: B008  # it cannot be changed
    return [letter.position for letter in state.dead.select(choice)]


def size(letters: list[Letter]) -> int:
    return sum(len(each.canonical) + len(each.message) + len(each.answer) for each in letters)


def test_a_letter_has_all_that_is_known_about_its_event(state: State) -> None:
    made = burial(3, message="no\0\ud800")
    subject = read_subject(made.canonical)

    bury(state, made)

    [letter] = state.dead.select(Choice())
    assert (letter.position, letter.epoch, letter.canonical) == (3, 7, made.canonical)
    assert (letter.message, letter.answer, letter.job) == ("no\ufffd?", "answer", None)
    assert (letter.message_id, letter.event, letter.user_id) == (subject.message_id, "event 1", "ann")
    assert state.dead.of_event("sink", "0", 3, 7) == letter
    assert state.dead.of_event("sink", "0", 3, 8) is None


def test_an_event_with_characters_that_no_database_takes_becomes_a_letter(state: State) -> None:
    line = event_line(event="a\0b", userId="c\0d")

    bury(state, burial(3, line=line))

    [letter] = state.dead.select(Choice(event=read_subject(line).event))
    assert letter.canonical == line
    assert positions(state, Choice(user="c\0d")) == [3]


@pytest.mark.parametrize("line", [b"not JSON", b'{"type": 7}'], ids=["no JSON", "no event"])
def test_a_line_that_is_no_event_becomes_a_letter(state: State, line: bytes) -> None:
    bury(state, burial(0, "internal_error", line=line))

    [letter] = state.dead.select(Choice())
    assert (letter.canonical, letter.message_id, letter.source) == (line, "", "")


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (Choice(), [1, 2, 3]),
        (Choice(code="expired"), [2]),
        (Choice(event="event 1"), [1, 3]),
        (Choice(user="ann", since=2002, until=2003), [2]),
        (Choice(sink="other"), []),
    ],
    ids=["all", "code", "event", "user and time", "sink"],
)
def test_letters_are_found_by_what_they_have(state: State, choice: Choice, found: list[int]) -> None:
    bury(state, burial(1), burial(2, "expired"), burial(3))

    assert positions(state, choice) == found


def test_letters_come_in_pages_up_to_a_limit(state: State) -> None:
    bury(state, *(burial(number) for number in range(1100)))

    found = [letter.position for letter in state.dead.select(Choice(), limit=1050)]
    [after, *_] = state.dead.select(Choice(), after=1001)

    assert (found, after.position) == ([*range(1050)], 1001)


def test_letters_are_counted_and_grouped(state: State) -> None:
    bury(state, burial(1), burial(2, "expired"), burial(3))

    [last, *_] = state.dead.select(Choice(event="event 1"), after=1)

    assert state.dead.count(Choice()) == {("sink", "refused"): 2, ("sink", "expired"): 1}
    assert Group("refused", "event 1", 2, 2003, last.id) in state.dead.groups(Choice())


def test_a_letter_that_an_event_has_already_is_replaced(state: State) -> None:
    bury(state, burial(3, message="first"))

    bury(state, burial(3, message="the second"))

    letters = [*state.dead.select(Choice())]
    assert [letter.message for letter in letters] == ["the second"]
    assert state.dead.size("sink") == size(letters)


def test_dropped_letters_count_as_skipped(state: State) -> None:
    bury(state, burial(1), burial(2, "expired"))
    bury(state, burial(1), sink="other", partition="1")

    dropped = state.dead.drop(Choice(code="refused"))

    assert (dropped, positions(state)) == (2, [2])
    assert state.tallies() == {
        "sink": Tally({("dead", "expired"): 1, DROPPED: 1}),
        "other": Tally({DROPPED: 1}),
    }
    assert (state.dead.size("sink"), state.dead.size("other")) == (size([*state.dead.select(Choice())]), 0)


def test_a_retry_takes_the_oldest_letters_that_no_other_one_has(state: State) -> None:
    bury(state, burial(1), burial(2), burial(3))

    first = state.jobs.retry("sink", Choice(), 0, 2)
    second = state.jobs.retry("sink", Choice(), 2.5, None)
    third = state.jobs.retry("sink", Choice(), 0, None)

    assert [job.events for job in (first, second, third)] == [2, 1, 0]
    assert [job.state for job in (first, second, third)] == ["running", "running", "done"]
    assert [job.id for job in state.jobs.running("sink")] == [first.id, second.id]
    assert [job.id for job in state.jobs.all("retry")] == [third.id, second.id, first.id]
    assert (state.jobs.all("replay"), second.rate) == ([], 2.5)
    assert [letter.position for letter in state.dead.of_job(first.id, 9, 10**6)] == [1, 2]


def test_a_retry_is_recorded_letter_by_letter(state: State) -> None:
    bury(state, burial(1), burial(2), burial(3))
    job = state.jobs.retry("sink", Choice(), 0, None).id
    one, two, three = state.dead.of_job(job, 9, 10**6)
    state.dead.drop(Choice(ids=(three.id,)))

    failed = [(two, burial(2, "expired"))]
    state.record_retry("sink", job, [one, three], failed, one.partition, Span(4, 4), b"receipt")

    [left] = state.dead.select(Choice())
    assert (left.position, left.code, left.tries, left.job) == (2, "expired", 2, None)
    assert state.tallies() == {"sink": Tally({DELIVERED: 1, ("dead", "expired"): 1, DROPPED: 1})}
    assert (state.dead.size("sink"), state.receipt("sink")) == (size([left]), b"receipt")
    found = state.jobs.read(job)
    assert found
    assert (found.sent, found.refused, found.positions) == (2, 1, {one.partition: Span(4, 4)})


def test_a_cancelled_retry_releases_its_letters(state: State) -> None:
    bury(state, burial(1))
    job = state.jobs.retry("sink", Choice(), 0, None).id

    ended = [state.jobs.finish(job, "cancelled"), state.jobs.finish(job, "done")]

    assert ended == [True, False]
    assert state.jobs.retry("sink", Choice(), 0, None).events == 1


@pytest.mark.parametrize("what", ["order", "retry", "cancelled job"])
def test_delivery_notices_what_is_ordered(state: State, what: str) -> None:
    bury(state, burial(1), burial(2))
    job = state.jobs.retry("sink", Choice(), 0, 1).id
    before = state.paused()

    if what == "order":
        state.orders.place("sink", "resume")
    elif what == "retry":
        state.jobs.retry("sink", Choice(), 0, None)
    else:
        state.jobs.finish(job, "cancelled")

    assert state.paused() is not before
    assert state.paused() is state.paused()


def test_counts_add_up_where_commands_and_delivery_write_at_once(place: Place, state: State) -> None:
    bury(state, *(burial(number) for number in range(20)))

    def drop() -> None:
        command = State.open(place, ID)
        for letter in [*command.dead.select(Choice())]:
            command.dead.drop(Choice(ids=(letter.id,)))
        command.close()

    dropping = Thread(target=drop)
    dropping.start()
    for number in range(21, 51):
        state.record("sink", "0", Position(number, 7), Tally({DELIVERED: 1}))
    dropping.join()

    assert state.tallies() == {"sink": Tally({DELIVERED: 30, DROPPED: 20})}
    assert state.dead.size("sink") == 0
