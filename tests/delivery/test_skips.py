"""Skips: events that an operator passes without delivering them."""

import json
from pathlib import Path

import pytest

from gateway.errors import SinkUnavailable
from gateway.state.store import State
from tests.build import event_lines, keep
from tests.delivery.recorder import Recorder
from tests.delivery.work import deliver, eventually, make, running

pytestmark = pytest.mark.anyio

DELIVERED = ("delivered", "")


async def test_skipped_events_are_counted_and_not_delivered(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    sink = Recorder()
    worker = make(sink, journal, state)
    order = state.orders.place("sink", "skip", json.dumps({"0": 4}))
    worker.skip(order, {"0": 4})

    await deliver(worker)

    assert [list(batch.positions) for batch in sink.batches] == [[4, 5]]
    assert state.tallies() == {"sink": {DELIVERED: 2, ("skipped", "operator"): 4}}
    assert state.orders.is_done(order)


async def test_a_skip_frees_a_sink_from_its_poison(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    sink = Recorder(script=[SinkUnavailable("down")])
    worker = make(sink, journal, state)
    order = state.orders.place("sink", "skip", json.dumps({"0": 6}))

    async with running(worker):
        await eventually(lambda: sink.batches)
        worker.skip(order, {"0": 6})
        await eventually(lambda: state.orders.is_done(order))
        worker.stop()

    assert sum(state.tallies()["sink"].values()) == 6


async def test_no_skip_goes_past_the_newest_event(journal: Path, state: State) -> None:
    keep(journal / "0", event_lines(0, 6))
    worker = make(Recorder(), journal, state)
    worker.skip(state.orders.place("sink", "skip", "{}"), {"0": 1000, "7": 3})

    await deliver(worker)

    assert state.tallies() == {"sink": {("skipped", "operator"): 6}}
