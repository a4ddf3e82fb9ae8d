"""What sinks deliver while the index of duplicates has not noticed that the journal was restored."""

from pathlib import Path

import pytest

from gateway.delivery.enrich import Enricher
from gateway.delivery.known import Known
from gateway.delivery.prepare import Preparation
from gateway.delivery.queue import Queue
from gateway.journal.base import Position
from gateway.sinks.base import Sink
from gateway.state.store import State
from gateway.state.verdicts import Indexed
from tests.build import event_lines, keep, open_log
from tests.delivery.recorder import Named
from tests.fakes import ScriptedSink

ANOTHER_HISTORY = 12345


@pytest.fixture
def queue(journal: Path, state: State) -> Queue:
    """Has five events to deliver, once the index knows them."""
    keep(journal / "0", event_lines(0, 5))
    return queue_of(ScriptedSink(), journal, state)


def queue_of(sink: Sink, journal: Path, state: State) -> Queue:
    preparation = Preparation("sink", sink, Enricher(journal / "products.db"))
    known = Known(state.verdicts, enabled=True)
    return Queue("sink", sink, open_log(journal), state, preparation, known, lambda: 2**30)


def test_events_without_a_verdict_wait(queue: Queue) -> None:
    assert queue.next(flush=True) is None


def test_duplicates_are_left_out(queue: Queue, state: State) -> None:
    state.verdicts.record([Indexed("0", Position(4), [1, 3])])

    work = queue.next(flush=True)

    assert work is not None
    assert work.batch is not None
    assert list(work.batch.positions) == [0, 2]
    assert +work.tally() == {("delivered", ""): 2, ("duplicate", ""): 2}


def test_verdicts_about_another_history_are_not_believed(queue: Queue, state: State) -> None:
    state.verdicts.record([Indexed("0", Position(5, ANOTHER_HISTORY), [1, 3])])

    assert queue.next(flush=True) is None


def test_a_batch_in_doubt_waits_for_the_verdicts_of_all_its_events(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 5))
    state.verdicts.record([Indexed("0", Position(5), [])])
    before = queue_of(Named(), journal, state).next(flush=True)
    state.verdicts.forget("0")
    after = queue_of(Named(), journal, state)

    state.verdicts.record([Indexed("0", Position(2), [])])
    early = after.next(flush=True)
    state.verdicts.record([Indexed("0", Position(5), [])])
    late = after.next(flush=True)

    assert early is None
    assert before is not None
    assert late is not None
    assert late.id == before.id


def test_a_batch_in_doubt_whose_end_was_lost_is_cut_short(
    journal: Path, state: State, tmp_path: Path
) -> None:
    keep(journal / "0", event_lines(0, 5))
    state.verdicts.record([Indexed("0", Position(5), [])])
    queue_of(Named(), journal, state).next(flush=True)
    older = tmp_path / "older"
    keep(older / "0", event_lines(0, 3))
    state.verdicts.record([Indexed("0", Position(3), [])])
    queue = queue_of(Named(), older, state)

    works = [work for _ in range(3) if (work := queue.next(flush=True))]

    assert {work.end.number for work in works} == {3}
