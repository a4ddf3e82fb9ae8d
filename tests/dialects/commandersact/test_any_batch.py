"""No odd value in a batch costs its neighbours their place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import Door, to_json
from tests.dialects.commandersact.test_round_trip import EVENTS, ODD

NEIGHBOUR = {
    "event_name": "neighbour",
    "user": {"consistent_anonymous_id": "2"},
    "context": {"event_id": "e", "event_timestamp": "1639044446636"},
}
BROKEN = st.sampled_from([float("nan"), "\ud83d", [[]], 10**400])


@settings(max_examples=150)
@given(st.sampled_from(["/events", "/events/batch"]), ODD | EVENTS, st.none() | BROKEN)
def test_an_entry_costs_its_neighbours_nothing(route: str, entry: Any, broken: Any) -> None:
    door = Door()
    if isinstance(entry, dict) and broken is not None:
        entry = {**entry, "broken": broken}

    answer = door.request(
        "POST", f"{route}?token=dev", json.dumps({"batch": [NEIGHBOUR, entry, NEIGHBOUR]}).encode()
    )

    stored = [event.get("event") for event in door.events]
    assert answer.status == 200
    assert (stored[0], stored[-1]) == ("neighbour", "neighbour")
    assert len(stored) == (3 if isinstance(entry, dict) else 2)


@pytest.mark.parametrize("route", ["/events", "/events/batch"])
@pytest.mark.parametrize("entry", [{}, 1, {"event_name": "a"}], ids=["an empty object", "a number", "a name"])
def test_hardly_anything_but_entries_is_refused_as_a_whole(route: str, entry: Any) -> None:
    door = Door()

    answer = door.request("POST", f"{route}?token=dev", to_json({"batch": [entry] * 10_000}))

    assert (answer.status, answer.json, door.events) == (200, {"success": True}, [])
    assert answer.headers["x-gateway-error"] == "too_many_events"


def test_as_many_events_as_a_body_can_hold_are_stored() -> None:
    door = Door()
    event = {"event_name": "a", "user": {"id": "1"}, "context": {"event_id": "1"}}

    answer = door.request("POST", "/events/batch?token=dev", to_json({"batch": [event] * 6_500}))

    assert (answer.status, len(door.journal.lines)) == (200, 6_500)
