"""Real clients, unmodified, against the real server: what they are called with is what arrives."""

import json
import resource
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.build import read_all
from tests.gateway import DEFAULTS, Gateway
from tests.journey.clients import CLIENTS, NAMED, Call, Client, excerpt, meant, say, without_receipt
from tests.journey.relay import Relay

CONFIG = f"""{DEFAULTS}
[sources.strict]
write_keys = ["strict"]
multi_status = "always"
[sources.wide]
write_keys = ["wide"]
max_body = "8MB"
"""

CONTEXT = {"ip": "203.0.113.9", "locale": "de-CH", "page": {"url": "https://example.com/?a=1&b=%20"}}
VALUES = {
    "text": 'é漢😀 "quoted" \\ \n\t\u2028 </script>',
    "numbers": [0, -1, 12.5, 1e21, 2**53 - 1],
    "nothing": None,
    "truth": [True, False],
    "nested": {"empty": {}, "list": [], "deep": [{"a": [{"b": "c"}]}]},
    "instant": {"$date": "2026-01-02T03:04:05.678+02:00"},
    "": "a field without a name",
}
PERSON = {"userId": "u1", "anonymousId": "a1"}

CALLS: list[Call] = [
    {"type": "identify", **PERSON, "traits": VALUES, "context": CONTEXT},
    {
        "type": "track",
        **PERSON,
        "event": "Ordered",
        "properties": VALUES,
        "integrations": {"Mixpanel": False},
    },
    {"type": "track", "anonymousId": "a2", "event": "Née 😀", "messageId": "my-own"},
    {"type": "page", **PERSON, "category": "Shop", "name": "Home", "properties": VALUES},
    {"type": "page", "userId": "u1"},
    {"type": "screen", **PERSON, "category": "Shop", "name": "Home", "properties": VALUES},
    {"type": "screen", "userId": "u1", "name": "Main"},
    {"type": "group", **PERSON, "groupId": "g1", "traits": VALUES},
    {"type": "alias", "previousId": "a1", "userId": "u1", "context": CONTEXT},
    {"type": "track", "userId": "u1", "event": "Old", "timestamp": {"$date": "2020-02-29T23:59:00Z"}},
]
NUMBERED: list[Call] = [
    {"type": "identify", "userId": 12345},
    {"type": "group", "userId": "u1", "groupId": 77},
]


def ways(client: Client) -> Iterator[Any]:
    yield pytest.param(client, {}, id=client.name)
    if client.gzip:
        name = "gzip" if client.gzip["gzip"] else "no gzip"
        yield pytest.param(client, client.gzip, id=f"{client.name}, {name}")


def alone(client: Client) -> Any:
    return pytest.param(client, client.alone, id=f"{client.name}, a request a call")


each_client = pytest.mark.parametrize("client", [pytest.param(client, id=client.name) for client in CLIENTS])
each_way = pytest.mark.parametrize(("client", "options"), [way for one in CLIENTS for way in ways(one)])


def track(event: str, **fields: Any) -> Call:
    return {"type": "track", "userId": "u1", "event": event, "messageId": event, **fields}


class Failing:
    """
    Real trouble: until two answers were 503, the intake can write no file that is longer than a few lines
    of its log, which is too short for any of the journal's.
    """

    def __init__(self, running: Gateway) -> None:
        self.pid = running.children()["intake-0"]

    def __enter__(self) -> None:
        _, self.most = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (8192, self.most))

    def __exit__(self, *error: object) -> None:
        """The process ends with its test."""

    def __call__(self, relay: Relay) -> None:
        if [exchange.status for exchange in relay.exchanges].count(503) == 2:
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (self.most, self.most))


def is_among(events: list[dict[str, Any]], call: Call) -> bool:
    """Whether one of the events has all that was called: what is sent at the same time has no order."""
    return any(excerpt(event, call) == call for event in events)


SIZE = 14_000
TOO_LARGE = track("Too large", properties={"x": "x" * 16_000})
NAMELESS = track("", messageId="Without a name")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all, since each client's events can be told from those that came before."""
    with Gateway(tmp_path_factory.mktemp("live"), CONFIG) as running:
        yield running


@pytest.fixture
def arrived(running: Gateway) -> Callable[[], list[dict[str, Any]]]:
    """Everything that has arrived since the test began, once there is nothing more to come."""
    before = len(running.drained())
    return lambda: running.drained()[before:]


Arrived = Callable[[], list[dict[str, Any]]]


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
    report = say(client, running, [track(f"{number}") for number in range(250)], **options)

    names = [event["event"] for event in arrived()]
    assert report.errors == []
    assert names == [event["event"] for event in report.said]
    assert sorted(names, key=int) == [str(number) for number in range(250)]


@each_client
def test_odd_values_cost_nothing_but_themselves(running: Gateway, arrived: Arrived, client: Client) -> None:
    odd = {name: value.said for name, value in client.odd.items()}
    calls = [track("Before"), track("Odd", userId="", anonymousId="a1", properties=odd), track("After")]

    report = say(client, running, calls)

    before, event, after = arrived()
    assert report.errors == []
    assert "userId" not in event
    assert event["properties"] == {name: value.arrives for name, value in client.odd.items()}
    assert [warning["field"] for warning in event["warnings"]] == [
        f"properties.{name}" for name, value in client.odd.items() if value.warned
    ]
    assert "warnings" not in {**before, **after}


@each_way
def test_the_largest_batches_it_makes_are_taken(
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
def test_a_bad_event_costs_itself_alone(
    running: Gateway, arrived: Arrived, client: Client, bad: Call
) -> None:
    report = say(client, running, [track("First"), track("Second"), bad, track("Last")])

    assert report.errors == []
    assert [event["event"] for event in arrived()] == ["First", "Second", "Last"]
    assert sorted(report.sent) == sorted(["First", "Second", bad["messageId"], "Last"])
    assert report.statuses[-1] == (207 if client.takes_207 else 200)


@each_client
def test_what_a_client_takes_a_207_for(running: Gateway, arrived: Arrived, client: Client) -> None:
    report = say(
        client, running, [track("First"), TOO_LARGE, track("Last")], key="strict", **client.impatient
    )

    assert report.statuses.count(207) == (1 if client.takes_207 else 2)
    assert bool(report.errors) == (not client.takes_207)


@each_client
def test_a_refusal_is_told_of_and_not_sent_again(running: Gateway, arrived: Arrived, client: Client) -> None:
    report = say(client, running, [track("First"), track("Last")], key="unknown")

    assert set(report.statuses) == {400}
    assert sorted(report.sent) == ["First", "Last"]
    assert report.errors
    assert arrived() == []


@pytest.mark.parametrize(
    ("name", "options"), [("rudder-sdk-python", {}), ("@segment/analytics-node", {"flushAt": 40})]
)
def test_a_batch_beyond_our_limit_is_told_of_and_not_sent_again(
    running: Gateway, arrived: Arrived, name: str, options: Mapping[str, Any]
) -> None:
    calls = [track(f"{number}", properties={"x": "x" * SIZE}) for number in range(40)]

    report = say(NAMED[name], running, calls, **options)

    assert report.statuses == [413]
    assert report.errors
    assert arrived() == []


@pytest.mark.parametrize("name", ["analytics-node", "@rudderstack/rudder-sdk-node"])
def test_a_bad_event_in_a_batch_does_not_end_a_process_that_handles_no_errors(
    running: Gateway, arrived: Arrived, name: str
) -> None:
    calls = [track("First"), track("Second"), TOO_LARGE, track("Last")]

    report = say(NAMED[name], running, calls, errorHandler=False)

    assert report.exit_code == 0
    assert [event["event"] for event in arrived()] == ["First", "Second", "Last"]


@pytest.mark.parametrize("name", ["analytics-node", "@rudderstack/rudder-sdk-node"])
def test_one_of_which_nothing_is_left_does(running: Gateway, name: str) -> None:
    report = say(NAMED[name], running, [TOO_LARGE], errorHandler=False)

    assert report.statuses == [400]
    assert report.exit_code == 1


@each_client
def test_through_an_error_each_event_arrives_once(gateway: Callable[..., Gateway], client: Client) -> None:
    running = gateway()
    fail_twice = Failing(running)

    with fail_twice:
        report = say(client, running, [track(f"{number}") for number in range(5)], before_answer=fail_twice)

    running.delivered(5)
    running.stop()
    arrived = [event["messageId"] for event in running.events()]
    kept = [json.loads(line)["messageId"] for line in read_all(running.folder / "data/journal/0").lines]
    assert report.errors == []
    assert report.statuses.count(503) == 2
    assert set(report.statuses) == {503, 200}
    assert sorted(kept) == sorted(arrived) == ["0", "1", "2", "3", "4"]
