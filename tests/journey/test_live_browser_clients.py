"""Real browser clients in Node: one person at a time, anonymous until identify."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.build import read_all
from tests.gateway import Gateway
from tests.journey.calls import TOO_LARGE, VALUES, Call, is_among, track
from tests.journey.clients import BROWSER_CLIENTS, Client, say, without_receipt
from tests.journey.conftest import Arrived
from tests.journey.faults import ShortFiles
from tests.journey.relay import when

IDENTIFY: Call = {"type": "identify", "userId": "u1", "traits": VALUES}
SHARED: list[Call] = [
    {"type": "track", "event": "Née 😀", "properties": VALUES},
    IDENTIFY,
    {"type": "track", "userId": "u1", "event": "Ordered", "properties": VALUES},
    {"type": "page", "userId": "u1", "properties": VALUES},
    {"type": "group", "userId": "u1", "groupId": "g1", "traits": VALUES},
]
SEGMENTS: list[Call] = [
    {"type": "page", "userId": "u1", "category": "Shop", "name": "Home", "properties": VALUES},
    {"type": "screen", "userId": "u1", "name": "Main", "properties": VALUES},
    # Whatever userId a call has, this client sends its own (1.84.3).
    {"type": "alias", "userId": "u1"},
]

JITSU, SEGMENT, SEGMENT_BATCHING = BROWSER_CLIENTS

each_client = pytest.mark.parametrize(
    ("client", "options"),
    [
        pytest.param(JITSU, {}, id=JITSU.name),
        pytest.param(JITSU, {"s2s": True}, id=f"{JITSU.name}, from a server"),
        pytest.param(SEGMENT, {}, id=SEGMENT.name),
        pytest.param(SEGMENT_BATCHING, {"batching": True}, id=SEGMENT_BATCHING.name),
    ],
)


@each_client
def test_every_call_arrives_field_for_field(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    calls = SHARED if client is JITSU else SHARED + SEGMENTS

    report = say(client, running, calls, **options)

    events = [without_receipt(event) for event in arrived()]
    assert report.errors == []
    assert events == report.said
    assert len(events) == len(calls)
    assert [call for call in calls if not is_among(events, call)] == []
    assert len({event["anonymousId"] for event in events}) == 1


@each_client
def test_a_lone_surrogate_affects_only_itself(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    unusual = {"half": "x\ud83dy", "whole": "😀", "not": {"$number": "NaN"}}

    report = say(client, running, [track("Unusual", properties=unusual)], **options)

    [event] = arrived()
    assert report.errors == []
    assert event["properties"] == {"half": "x\ufffdy", "whole": "😀", "not": None}
    assert [warning["field"] for warning in event["warnings"]] == ["properties.half"]


@each_client
def test_an_invalid_event_affects_no_other(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    report = say(client, running, [track("First"), track("Second"), TOO_LARGE, track("Last")], **options)

    assert report.statuses == ([207] if client is SEGMENT_BATCHING else [200, 200, 413, 200])
    assert [event["event"] for event in arrived()] == ["First", "Second", "Last"]
    assert len(set(report.sent)) == len(report.sent) == 4
    assert bool(report.errors) == client.tells


@each_client
def test_a_refused_event_is_not_retried(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    report = say(client, running, [track("First"), track("Last")], key="unknown", **options)

    assert set(report.statuses) == {400}
    assert len(set(report.sent)) == len(report.sent) == 2
    assert bool(report.errors) == client.tells
    assert arrived() == []


@each_client
def test_each_event_arrives_once_despite_an_error(
    gateway: Callable[..., Gateway], client: Client, options: Mapping[str, Any]
) -> None:
    running = gateway()
    problem = ShortFiles(running.children()["intake-0"])
    calls = [track(f"{number}") for number in range(5)]

    report = say(client, running, calls, before_answer=when(503, 2, problem.over), **options)

    # Jitsu's client never retries: what fails is lost, and reported on its console.
    lost = {"0", "1"} if client is JITSU else set()
    arrived = running.drained()
    running.stop()
    kept = [json.loads(line) for line in read_all(running.folder / "data/journal/0").lines]
    assert report.statuses.count(503) == 2
    assert len(report.errors) == len(lost)
    assert {event["messageId"] for event in kept} <= set(report.sent)
    assert len({event["messageId"] for event in kept}) == len(kept) == len(arrived)
    assert {event["event"] for event in kept} == {"0", "1", "2", "3", "4"} - lost
