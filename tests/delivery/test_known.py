"""What sinks deliver while the index of duplicates has not noticed that the journal was restored."""

from pathlib import Path

import pytest

from gateway.delivery.enrich import Enricher
from gateway.delivery.known import Known
from gateway.delivery.prepare import Preparation
from gateway.delivery.queue import Queue
from gateway.journal.base import Position
from gateway.state.store import State
from gateway.state.verdicts import Indexed
from tests.build import event_lines, keep, open_log
from tests.fakes import ScriptedSink

ANOTHER_HISTORY = 12345


@pytest.fixture
def queue(journal: Path, state: State) -> Queue:
    """Has five events to deliver, once the index knows them."""
    keep(journal / "0", event_lines(0, 5))
    sink = ScriptedSink()
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
