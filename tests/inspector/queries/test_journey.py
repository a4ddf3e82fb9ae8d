"""The journey of one event: what it was, and what became of it at each sink."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.errors import SinkUnavailable
from gateway.inspector.queries.errors import InvalidQuery
from gateway.inspector.queries.events import EventJourney, event
from gateway.inspector.queries.fates import Fate
from gateway.inspector.queries.inspection import Inspection
from gateway.inspector.queries.raw import NoRaw
from gateway.journal.base import Position
from gateway.sinks.base import Sink
from gateway.sinks.null import Null
from gateway.state.letters import Burial, Choice
from gateway.state.store import State
from gateway.state.verdicts import Indexed
from tests.build import JOURNAL, event_line, event_lines
from tests.inspector.inspecting import fill, index, inspection


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    path = inspection(tmp_path).state
    State.prepare(path, JOURNAL)
    with closing(State.open(path, JOURNAL)) as opened:
        yield opened


def end(asked: Inspection, number: int, partition: str = "0") -> Position:
    """Return a position that belongs to the journal."""
    with closing(asked.journal.reader(partition)) as reader:
        found = reader.read(Position(0))
    assert found
    return Position(number, found.end.epoch)


def deliver(state: State, asked: Inspection, number: int, *sinks: str) -> None:
    """Record that sinks have had all events before a number."""
    for sink in sinks:
        state.record(sink, "0", end(asked, number), {("delivered", ""): number})


def journey(asked: Inspection, position: str) -> EventJourney:
    found = event(asked, position, patience=0.0)
    assert found
    return found


def fate(asked: Inspection, position: str = "0/1") -> Fate:
    """Return the fate of an event at the only sink."""
    [found] = journey(asked, position).sinks
    return found


def test_it_shows_the_event_as_it_is_in_the_journal(tmp_path: Path) -> None:
    warning = {"code": "empty_value", "field": "context.ip", "detail": "no address"}
    line = event_line(1, properties={"<b>": "\U0001f600"}, warnings=[warning])
    fill(tmp_path, [event_line(0), line])

    found = journey(inspection(tmp_path), "0/1")

    assert bytes(found.canonical) == line
    assert [msgspec.structs.asdict(each) for each in found.warnings] == [warning]
    assert (found.row.position, found.row.message_id, found.row.verdict) == ("0/1", "m1", "repaired")
    assert isinstance(found.raw, NoRaw)


@pytest.mark.parametrize("position", ["0/2", "1/0", "7/7", "0/999999999999999999"])
def test_there_is_no_event_at_a_position_that_is_none(tmp_path: Path, position: str) -> None:
    fill(tmp_path, event_lines(0, 2))

    assert event(inspection(tmp_path), position, patience=0.0) is None


def test_a_damaged_event_is_not_there(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 3), chunk=1)
    [file] = (tmp_path / "0").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"m1"', b'"m9"'))

    assert event(inspection(tmp_path), "0/1", patience=0.0) is None
    assert event(inspection(tmp_path), "0/2", patience=0.0)


@pytest.mark.parametrize("position", ["", "0", "0/1,1/2", "-1/0", "../../0/1", "0/1.5", "x/1"])
def test_a_position_that_cannot_be_read_is_a_mistake(tmp_path: Path, position: str) -> None:
    fill(tmp_path, event_lines(0, 2))

    with pytest.raises(InvalidQuery, match=r"^position: "):
        event(inspection(tmp_path), position)


def test_before_delivery_has_started_it_is_pending(tmp_path: Path) -> None:
    fill(tmp_path, event_lines(0, 2))

    found = fate(inspection(tmp_path, archive=Null()))

    assert found.outcome == "pending"
    assert found.message


def test_it_is_pending_until_the_sink_has_passed_it(tmp_path: Path, state: State) -> None:
    fill(tmp_path, event_lines(0, 4))
    asked = inspection(tmp_path, fast=Null(), slow=Null(), new=Null())
    deliver(state, asked, 3, "fast")
    deliver(state, asked, 2, "slow")

    found = journey(asked, "0/2").sinks

    assert found == [
        Fate(sink="fast", outcome="delivered"),
        Fate(sink="slow", outcome="pending"),
        Fate(sink="new", outcome="pending"),
    ]


def test_it_says_why_an_event_is_pending(tmp_path: Path, state: State) -> None:
    fill(tmp_path, event_lines(0, 2))
    asked = inspection(tmp_path, down=Null(), paused=Null())
    state.statuses.failed("down", "retrying", SinkUnavailable("connection refused"))
    state.orders.place("paused", "pause")

    found = {each.sink: each.message for each in journey(asked, "0/0").sinks}

    assert found == {"down": "The sink is retrying: connection refused", "paused": "The sink is paused."}


@pytest.mark.parametrize(
    ("filters", "fields", "reason"),
    [
        pytest.param({"sources": ("web",)}, {}, "source", id="source"),
        pytest.param({"types": ("page",)}, {}, "type", id="type"),
        pytest.param({"events": ("Left*",)}, {}, "event", id="event"),
        pytest.param(
            {"consent": ("ads",)},
            {"context": {"consent": {"categoryPreferences": {"ads": False}}}},
            "consent",
            id="consent",
        ),
        pytest.param({}, {"integrations": {"archive": False}}, "integrations", id="integrations"),
    ],
)
def test_a_filter_names_the_reason(
    tmp_path: Path, state: State, filters: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    fill(tmp_path, [event_line(0), event_line(1, **fields)])
    sink: Sink = Null(**filters)
    asked = inspection(tmp_path, archive=sink)
    deliver(state, asked, 2, "archive")

    assert fate(asked) == Fate(sink="archive", outcome="filtered", reason=reason)


@pytest.mark.parametrize("indexed", [False, True], ids=["not indexed", "indexed"])
def test_a_duplicate_names_its_original(tmp_path: Path, state: State, indexed: bool) -> None:
    copies = [
        event_line(3, receivedAt="2026-01-01T12:00:03.000Z"),
        event_line(3, source={"name": "other", "dialect": "segment"}),
        event_line(3, receivedAt="2026-01-01T12:00:05.000Z"),
        event_line(3, receivedAt="2026-01-01T12:00:06.000Z"),
    ]
    fill(tmp_path, [*event_lines(0, 2), *copies])
    if indexed:
        index(tmp_path)
    asked = inspection(tmp_path, archive=Null(types=("page",)), slow=Null())
    state.verdicts.record([Indexed("0", end(asked, 6), [4, 5])])
    deliver(state, asked, 6, "archive")

    found = journey(asked, "0/4").sinks

    assert found == [
        Fate(sink="archive", outcome="duplicate", of="0/2"),
        Fate(sink="slow", outcome="pending"),
    ]


def test_a_dead_letter_says_what_the_target_said(tmp_path: Path, state: State) -> None:
    lines = event_lines(0, 3)
    fill(tmp_path, lines)
    asked = inspection(tmp_path, hook=Null())
    position = end(asked, 3)
    burial = Burial(
        position=1,
        epoch=position.epoch,
        batch="hook/0/0-3",
        code="refused",
        message="HTTP 422",
        answer='{"email":"a@b.example"}',
        tries=1,
        first_failed_at=1_700_000_000_000,
        last_failed_at=1_700_000_001_000,
        canonical=lines[1],
    )
    state.record("hook", "0", position, {("delivered", ""): 2, ("dead", "refused"): 1}, burials=[burial])

    found = fate(asked)

    assert found == Fate(
        sink="hook",
        outcome="dead",
        reason="refused",
        message="HTTP 422",
        answer='{"email":"a@b.example"}',
        letter=1,
        at="2023-11-14T22:13:21.000Z",
        batch="hook/0/0-3",
    )
    assert fate(asked, "0/0").outcome == fate(asked, "0/2").outcome == "delivered"


def test_what_operators_have_skipped_or_dropped_makes_a_delivery_uncertain(
    tmp_path: Path, state: State
) -> None:
    fill(tmp_path, event_lines(0, 9))
    asked = inspection(tmp_path, archive=Null())
    state.record("archive", "0", end(asked, 9), {("delivered", ""): 2, ("skipped", "operator"): 7})

    found = fate(asked)

    assert found.outcome == "delivered"
    assert " 7 events" in found.message


def test_a_position_of_another_journal_says_nothing(tmp_path: Path, state: State) -> None:
    fill(tmp_path, event_lines(0, 2))
    asked = inspection(tmp_path, archive=Null())
    state.record("archive", "0", Position(2, 77), {("delivered", ""): 2})

    assert fate(asked).outcome == "pending"


def test_a_letter_that_was_dropped_is_no_longer_there(tmp_path: Path, state: State) -> None:
    lines = event_lines(0, 2)
    fill(tmp_path, lines)
    asked = inspection(tmp_path, hook=Null())
    position = end(asked, 2)
    burial = Burial(1, position.epoch, "b", "refused", "", "", 1, 0, 0, lines[1])
    state.record("hook", "0", position, {("delivered", ""): 1, ("dead", "refused"): 1}, burials=[burial])
    state.dead.drop(Choice(sink="hook"))

    assert fate(asked).letter is None
    assert "the one event" in fate(asked).message


def test_masked_values_are_shown_nowhere(tmp_path: Path, state: State) -> None:
    lines = [event_line(0), event_line(1, traits={"email": "a@b.example"}, userId="a@b.example")]
    fill(tmp_path, lines)
    asked = inspection(tmp_path, mask=("Email", "userId"), hook=Null())
    position = end(asked, 2)
    answer = 'invalid: {"email": "a@b.example"}'
    burial = Burial(1, position.epoch, "b", "refused", answer, answer, 1, 0, 0, lines[1])
    state.record("hook", "0", position, {("dead", "refused"): 1}, burials=[burial])

    found = journey(asked, "0/1")

    assert b"a@b.example" not in msgspec.json.encode(found)
    assert json.loads(bytes(found.canonical))["traits"] == {"email": "***"}
    assert found.row.user_id == "***"


def test_addresses_lose_their_last_part_unless_they_are_asked_for(tmp_path: Path) -> None:
    context = {"ip": "192.0.2.77", "note": '{"ip":"192.0.2.77"}', "other": {"ip": "2001:db8:1:2::5"}}
    fill(tmp_path, [event_line(0, context=context)])
    asked = inspection(tmp_path)

    cut, whole = (event(asked, "0/0", 0.0, addresses=addresses) for addresses in (False, True))

    assert cut
    assert whole
    assert json.loads(bytes(whole.canonical))["context"] == context
    assert json.loads(bytes(cut.canonical))["context"] == {
        "ip": "192.0.2.0",
        "note": '{"ip":"192.0.2.77"}',
        "other": {"ip": "2001:db8:1::"},
    }
