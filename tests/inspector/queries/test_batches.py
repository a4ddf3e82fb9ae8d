"""When each event was delivered and in which batch, as delivery has recorded it."""

from pathlib import Path

import pytest

from gateway.delivery.recorder import DeliveryRecorder
from gateway.errors import Culprit, SinkRefused
from gateway.inspector.queries.events import event
from gateway.inspector.queries.fates import Fate
from gateway.raw import timestamps
from gateway.state.jobs import Selection, Span
from gateway.state.letters import Choice
from tests.build import event_line, event_lines, keep
from tests.delivery.work import deliver, make, open_state
from tests.fakes import ScriptedSink
from tests.inspector.inspecting import inspection

pytestmark = pytest.mark.anyio

NOON = 1_800_000_000


class Delivering:
    """A journal with a sink, and the recorder of its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = float(NOON)
        self.state = open_state(folder)
        self.recorder = DeliveryRecorder(folder / "diagnostics", lambda: self.now)

    async def deliver(self, sink: ScriptedSink) -> None:
        """Deliver everything, a second later than before, and write what was observed."""
        self.now += 1
        await deliver(make(sink, self.folder, self.state, observer=self.recorder.observer("sink")))
        self.recorder.write()

    def fate(self, number: int) -> Fate:
        found = event(inspection(self.folder, sink=ScriptedSink()), f"0/{number}", patience=0.0)
        assert found
        return found.sinks[0]

    def found(self, number: int) -> tuple[int, str | None]:
        """Return the second at which an event was delivered, and its batch."""
        fate = self.fate(number)
        assert fate.outcome == "delivered"
        assert fate.at
        return timestamps.read(fate.at) // 1000 - NOON, fate.batch


@pytest.fixture
def delivering(tmp_path: Path) -> Delivering:
    return Delivering(tmp_path)


async def test_an_event_has_the_time_and_the_batch_of_its_delivery(delivering: Delivering) -> None:
    sink = ScriptedSink(batch_events=2)
    keep(delivering.folder / "0", event_lines(0, 3))
    await delivering.deliver(sink)
    keep(delivering.folder / "0", event_lines(3, 4))
    await delivering.deliver(sink)

    found = [delivering.found(number) for number in range(4)]

    assert found == [(1, "sink/0/0-2"), (1, "sink/0/0-2"), (1, "sink/0/2-3"), (2, "sink/0/3-4")]


async def test_a_letter_that_was_sent_again_has_the_time_of_that(delivering: Delivering) -> None:
    sink = ScriptedSink()
    sink.script.append(SinkRefused("bad", {1: Culprit("bad")}))
    keep(delivering.folder / "0", event_lines(0, 3))
    await delivering.deliver(sink)
    job = delivering.state.jobs.retry("sink", Choice(sink="sink"), 0, None)

    await delivering.deliver(sink)

    assert delivering.found(1) == (2, f"sink/0/1-2{job.suffix}")
    assert delivering.found(0)[0] == delivering.found(2)[0] == 1


async def test_a_replay_changes_nothing(delivering: Delivering) -> None:
    sink = ScriptedSink()
    keep(delivering.folder / "0", [event_line(0)])
    await delivering.deliver(sink)
    delivering.state.jobs.replay("sink", Selection(), {"0": Span(0, 1)}, 0)

    await delivering.deliver(sink)

    assert len(sink.taken) == 2
    assert delivering.found(0) == (1, "sink/0/0-1")


async def test_of_very_many_batches_in_a_second_the_last_have_only_the_time(delivering: Delivering) -> None:
    keep(delivering.folder / "0", event_lines(0, 150))

    await delivering.deliver(ScriptedSink(batch_events=1))

    assert delivering.found(98) == (1, "sink/0/98-99")
    assert delivering.found(99) == delivering.found(149) == (1, None)


async def test_an_event_whose_batch_is_no_longer_kept_is_still_delivered(delivering: Delivering) -> None:
    keep(delivering.folder / "0", event_lines(0, 1))
    await delivering.deliver(ScriptedSink())
    delivering.now += 31 * 86_400
    keep(delivering.folder / "0", event_lines(1, 2))
    await delivering.deliver(ScriptedSink())

    fate = delivering.fate(0)

    assert (fate.outcome, fate.at, fate.batch) == ("delivered", None, None)
