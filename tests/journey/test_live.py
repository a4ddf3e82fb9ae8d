"""Real, unmodified clients against a real server: each call arrives unchanged."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.build import read_all
from tests.gateway import Gateway
from tests.journey.calls import CALLS, NAMELESS, NUMBERED, SIZE, TOO_LARGE, Call, is_among, track
from tests.journey.clients import CLIENTS, NAMED, Client, meant, say, without_receipt
from tests.journey.conftest import Arrived
from tests.journey.faults import ShortFiles
from tests.journey.relay import when


def ways(client: Client) -> Iterator[Any]:
    yield pytest.param(client, {}, id=client.name)
    if client.gzip:
        name = "gzip" if client.gzip["gzip"] else "no gzip"
        yield pytest.param(client, client.gzip, id=f"{client.name}, {name}")


def alone(client: Client) -> Any:
    return pytest.param(client, client.alone, id=f"{client.name}, a request a call")


each_client = pytest.mark.parametrize("client", [pytest.param(client, id=client.name) for client in CLIENTS])
each_way = pytest.mark.parametrize(("client", "options"), [way for one in CLIENTS for way in ways(one)])


@pytest.mark.parametrize(
    ("client", "options"), [way for client in CLIENTS for way in (*ways(client), alone(client))]
)
def test_every_call_arrives_field_for_field(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    calls = CALLS + NUMBERED if client.takes_numbers else CALLS

    report = say(client, running, calls, **options)

    events = [without_receipt(event) for event in arrived()]
    assert report.errors == []
    assert events == report.said
    assert len(events) == len(calls)
    assert [call for call in calls if not is_among(events, meant(client, call))] == []


@each_way
def test_batches_arrive_in_the_order_in_which_they_were_sent(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    calls = [track(f"{number}") for number in range(250)]

    report = say(client, running, calls, **client.some, **options)

    names = [event["event"] for event in arrived()]
    assert report.errors == []
    assert len(report.exchanges) > 1
    assert names == [event["event"] for event in report.said]
    assert sorted(names, key=int) == [str(number) for number in range(250)]


@each_client
def test_unusual_values_affect_only_themselves(running: Gateway, arrived: Arrived, client: Client) -> None:
    unusual = {name: value.said for name, value in client.unusual.items()}
    calls = [
        track("Before"),
        track("Rare", userId="", anonymousId="a1", properties=unusual),
        track("After"),
    ]

    report = say(client, running, calls)

    before, event, after = arrived()
    assert report.errors == []
    assert "userId" not in event
    assert event["properties"] == {name: value.arrives for name, value in client.unusual.items()}
    assert [warning["field"] for warning in event["warnings"]] == [
        f"properties.{name}" for name, value in client.unusual.items() if value.warned
    ]
    assert "warnings" not in {**before, **after}


@each_way
def test_the_largest_batches_of_a_client_are_accepted(
    running: Gateway, arrived: Arrived, client: Client, options: Mapping[str, Any]
) -> None:
    count = client.largest // SIZE + 3
    calls = [track(f"{number}", properties={"x": "x" * SIZE}) for number in range(count)]
    key = "wide" if client.largest > 500_000 else "dev"

    report = say(client, running, calls, key=key, **client.full, **options)

    sizes = [len(exchange.inflated) for exchange in report.exchanges]
    assert report.errors == []
    assert sorted(int(event["event"]) for event in arrived()) == list(range(count))
    assert max(sizes) > client.largest - SIZE


@pytest.mark.parametrize(
    ("client", "bad"),
    [
        pytest.param(client, bad, id=f"{client.name}, {bad['messageId']}")
        for client in CLIENTS
        for bad in (TOO_LARGE, NAMELESS)
        if bad is not NAMELESS or not client.checks_event
    ],
)
def test_an_invalid_event_affects_no_other(
    running: Gateway, arrived: Arrived, client: Client, bad: Call
) -> None:
    calls = [track("First"), track("Second"), bad, track("Last")]

    report = say(client, running, calls, **client.impatient)

    assert report.errors == []
    assert sorted(event["event"] for event in arrived()) == [
        "First",
        "Last",
        "Second",
    ]
    assert sorted(report.sent) == sorted(["First", "Second", bad["messageId"], "Last"])
    # The answer to the bad event need not be the last: some have several requests under way.
    assert max(report.statuses) == (207 if client.takes_207 else 200)


@each_client
def test_the_reaction_of_a_client_to_207(running: Gateway, arrived: Arrived, client: Client) -> None:
    calls = [track("First"), TOO_LARGE, track("Last")]

    report = say(client, running, calls, key="strict", **client.impatient)

    assert report.statuses.count(207) == (1 if client.takes_207 else 2)
    assert bool(report.errors) == (not client.takes_207)


@each_client
def test_a_refusal_is_reported_and_not_retried(running: Gateway, arrived: Arrived, client: Client) -> None:
    calls = [track("First"), track("Last")]

    report = say(client, running, calls, key="unknown", **client.impatient)

    assert set(report.statuses) == {400}
    assert sorted(report.sent) == ["First", "Last"]
    assert report.errors
    assert arrived() == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("rudder-sdk-python", {}, id="rudder-sdk-python"),
        pytest.param("@segment/analytics-node", {"flushAt": 40}, id="@segment/analytics-node"),
    ],
)
def test_a_batch_over_the_limit_is_reported_and_not_retried(
    running: Gateway, arrived: Arrived, name: str, options: Mapping[str, Any]
) -> None:
    calls = [track(f"{number}", properties={"x": "x" * SIZE}) for number in range(40)]

    report = say(NAMED[name], running, calls, **options)

    assert report.statuses == [413]
    assert report.errors
    assert arrived() == []


@pytest.mark.parametrize("name", ["analytics-node", "@rudderstack/rudder-sdk-node"])
def test_an_invalid_event_in_a_batch_does_not_end_a_process_without_error_handling(
    running: Gateway, arrived: Arrived, name: str
) -> None:
    calls = [track("First"), track("Second"), TOO_LARGE, track("Last")]

    report = say(NAMED[name], running, calls, errorHandler=False)

    assert report.exit_code == 0
    assert sorted(event["event"] for event in arrived()) == ["First", "Last", "Second"]


@pytest.mark.parametrize("name", ["analytics-node", "@rudderstack/rudder-sdk-node"])
def test_a_refusal_ends_a_process_without_error_handling(running: Gateway, name: str) -> None:
    report = say(NAMED[name], running, [TOO_LARGE], errorHandler=False)

    assert report.statuses == [400]
    assert report.exit_code == 1


@each_client
def test_each_event_arrives_once_despite_an_error(gateway: Callable[..., Gateway], client: Client) -> None:
    running = gateway()
    problem = ShortFiles(running.children()["intake-0"])
    calls = [track(f"{number}") for number in range(5)]

    report = say(client, running, calls, before_answer=when(503, 2, problem.over))

    arrived = [event["messageId"] for event in running.drained()]
    running.stop()
    kept = [json.loads(line)["messageId"] for line in read_all(running.folder / "data/journal/0").lines]
    assert report.errors == []
    assert report.statuses.count(503) == 2
    assert set(report.statuses) == {503, 200}
    assert sorted(kept) == sorted(arrived) == ["0", "1", "2", "3", "4"]
