"""Deliveries by the minute, as delivery has recorded them."""

from collections import Counter
from pathlib import Path

import pytest

from gateway.delivery.recorder import DeliveryRecorder
from gateway.errors import SinkRefused, SinkUnavailable
from gateway.inspector.queries.deliveries import Interval, deliveries
from gateway.inspector.queries.errors import InvalidQuery
from gateway.state.jobs import Selection, Span
from gateway.state.letters import Choice
from tests.build import event_line, event_lines, keep
from tests.delivery.work import deliver, deliver_until, make, open_state
from tests.fakes import ScriptedSink
from tests.inspector.keeping import inspect

pytestmark = pytest.mark.anyio

MINUTE = 1_800_000_000  # a whole minute
SINCE = "2027-01-15T00:00:00Z"


class Delivering:
    """A journal with a sink, and the recorder of its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = float(MINUTE)
        self.state = open_state(folder)
        self.recorder = DeliveryRecorder(folder / "diagnostics", lambda: self.now)

    async def deliver(self, sink: ScriptedSink, until: int = 0) -> None:
        """Deliver everything, or until the sink has so many events, and write what was observed."""
        worker = make(sink, self.folder, self.state, observer=self.recorder.observer("sink"))
        await (deliver_until(worker, sink, until) if until else deliver(worker))
        self.recorder.write()

    def intervals(self, **query: int) -> list[Interval]:
        return deliveries(inspect(self.folder), "sink", SINCE, "2028-01-01T00:00:00Z", **query)

    def outcomes(self) -> dict[tuple[str, str, str, str], int]:
        """Return the events by outcome, reason, type and name."""
        found: Counter[tuple[str, str, str, str]] = Counter()
        for interval in self.intervals():
            for each in interval.outcomes:
                found[each.outcome, each.reason, each.type, each.event] += each.events
        return found


@pytest.fixture
def delivering(tmp_path: Path) -> Delivering:
    return Delivering(tmp_path)


async def test_delivered_and_filtered_events_are_counted_by_name(delivering: Delivering) -> None:
    keep(
        delivering.folder / "0",
        event_lines(0, 3),
        [event_line(3, event="Viewed"), event_line(4, type="page")],
    )

    await delivering.deliver(ScriptedSink(types=("track",)))

    assert delivering.outcomes() == {
        ("delivered", "", "track", "Ordered"): 3,
        ("delivered", "", "track", "Viewed"): 1,
        ("filtered", "type", "page", "Ordered"): 1,
    }


async def test_events_that_took_several_attempts_are_told_apart(delivering: Delivering) -> None:
    keep(delivering.folder / "0", event_lines(0, 2))
    sink = ScriptedSink()
    sink.script.append(SinkUnavailable("host answered 502 Bad Gateway"))

    await delivering.deliver(sink, until=2)

    [interval] = delivering.intervals()
    assert (interval.attempts, interval.retries) == (2, 1)
    [failure] = interval.failures
    assert (failure.error, failure.attempts, failure.events) == ("host answered 502 Bad Gateway", 1, 2)
    assert delivering.outcomes() == {("delivered", "retry", "track", "Ordered"): 2}


async def test_dead_letters_are_counted_by_code_and_name(delivering: Delivering) -> None:
    keep(delivering.folder / "0", [event_line(0), event_line(1, event="Poison"), event_line(2)])
    sink = ScriptedSink()
    refusal = SinkRefused("bad", code="invalid")
    sink.script.extend([refusal, None, refusal, refusal])

    await delivering.deliver(sink)

    found = delivering.outcomes()
    assert found["dead", "invalid", "track", "Poison"] + found["dead", "invalid", "track", "Ordered"] == 1
    assert sum(found.values()) == 3
    assert sum(interval.dead for interval in delivering.intervals()) == 1


async def test_a_retried_letter_and_a_replay_are_counted_as_such(delivering: Delivering) -> None:
    keep(delivering.folder / "0", [event_line(0)])
    sink = ScriptedSink()
    sink.script.append(SinkRefused("bad", code="invalid"))
    await delivering.deliver(sink)
    delivering.state.jobs.retry("sink", Choice(sink="sink"), 0, None)
    await delivering.deliver(sink)
    delivering.state.jobs.replay("sink", Selection(), {"0": Span(0, 1)}, 0)

    await delivering.deliver(sink)

    assert delivering.outcomes() == {
        ("dead", "invalid", "track", "Ordered"): 1,
        ("delivered", "retry", "track", "Ordered"): 1,
        ("replayed", "", "track", "Ordered"): 1,
    }


async def test_minutes_are_kept_apart_and_added_up_as_asked(delivering: Delivering) -> None:
    sink = ScriptedSink()
    for number in range(3):
        keep(delivering.folder / "0", event_lines(number, number + 1))
        await delivering.deliver(sink)
        delivering.now += 40

    by_minute = delivering.intervals()
    by_hour = delivering.intervals(step_seconds=3600)

    assert [(each.at, each.delivered) for each in by_minute] == [
        ("2027-01-15T08:00:00.000Z", 2),
        ("2027-01-15T08:01:00.000Z", 1),
    ]
    assert [(each.at, each.delivered, each.attempts) for each in by_hour] == [
        ("2027-01-15T08:00:00.000Z", 3, 3)
    ]


async def test_a_restart_within_a_minute_goes_on_counting(delivering: Delivering) -> None:
    keep(delivering.folder / "0", event_lines(0, 1))
    await delivering.deliver(ScriptedSink())
    delivering.recorder.close()
    delivering.recorder = DeliveryRecorder(delivering.folder / "diagnostics", lambda: delivering.now)
    keep(delivering.folder / "0", event_lines(1, 3))

    await delivering.deliver(ScriptedSink())

    assert [each.delivered for each in delivering.intervals()] == [3]


async def test_names_beyond_the_most_that_are_told_apart_count_together(delivering: Delivering) -> None:
    keep(delivering.folder / "0", [event_line(number, event=f"name {number}") for number in range(450)])

    await delivering.deliver(ScriptedSink())

    found = delivering.outcomes()
    assert found["delivered", "", "", ""] == 250
    assert len(found) == 201


async def test_they_go_after_thirty_days(delivering: Delivering) -> None:
    keep(delivering.folder / "0", event_lines(0, 1))
    await delivering.deliver(ScriptedSink())
    delivering.now += 31 * 86_400
    keep(delivering.folder / "0", event_lines(1, 2))

    await delivering.deliver(ScriptedSink())

    assert [each.at for each in delivering.intervals()] == ["2027-02-15T08:00:00.000Z"]


async def test_whole_hours_and_the_minutes_around_them_add_up(delivering: Delivering) -> None:
    sink = ScriptedSink()
    for number in range(13):  # at 8:00, 8:15, … 11:00
        keep(delivering.folder / "0", event_lines(number, number + 1))
        await delivering.deliver(sink)
        delivering.now += 15 * 60
    since, until = "2027-01-15T08:15:00Z", "2027-01-15T10:45:00Z"

    found = deliveries(inspect(delivering.folder), "sink", since, until, 3600)

    assert [(each.at[11:16], each.delivered) for each in found] == [("08:00", 3), ("09:00", 4), ("10:00", 3)]


async def test_a_time_until_which_is_asked_is_not_included(delivering: Delivering) -> None:
    keep(delivering.folder / "0", event_lines(0, 1))
    await delivering.deliver(ScriptedSink())

    at = "2027-01-15T08:00:00Z"

    assert deliveries(inspect(delivering.folder), "sink", SINCE, at) == []
    assert len(deliveries(inspect(delivering.folder), "sink", at, "2027-01-15T08:00:01Z")) == 1


@pytest.mark.parametrize("step", [0, -60, 30, 90])
async def test_a_step_that_is_no_whole_minute_is_refused(delivering: Delivering, step: int) -> None:
    with pytest.raises(InvalidQuery):
        delivering.intervals(step_seconds=step)


async def test_what_cannot_be_written_costs_no_delivery(delivering: Delivering) -> None:
    (delivering.folder / "diagnostics").write_bytes(b"a file")
    keep(delivering.folder / "0", event_lines(0, 1))
    sink = ScriptedSink()

    await delivering.deliver(sink)

    assert sink.taken == event_lines(0, 1)
    assert delivering.intervals() == []
