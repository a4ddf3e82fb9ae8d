"""
Every example of the vendors' documents, with its JSON corrected, through a real server into a file.

The documents are MetaRouter's HTTP API and Commanders Act's HTTP tracking API in both versions. The purchase
of version 1.0 is from Commanders Act's guide; that of version 2.0 is the same, rewritten by its table.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Answer, Gateway, until

RECORDINGS = Path(__file__).parents[1] / "dialects/recordings"
EXAMPLES: dict[str, dict[str, Any]] = {
    f"{document} {example['name']}": example
    for document in ("metarouter", "commandersact")
    for example in json.loads((RECORDINGS / f"{document}.json").read_text())
}

# Each source has the keys of some examples; MetaRouter's batch is routed to one integration alone.
CONFIG = """
[server]
port = 0
[inspector]
port = 0
[delivery]
duplicates = "0s"
[sources.api]
write_keys = ["ILoveData123"]
[sources.batch]
write_keys = ["test1"]
[sources.pixel]
write_keys = ["example"]
[sources.webhook]
write_keys = ["abcdefg"]
[sources.site]
write_keys = ["7183b9d4-1031-11ee-be56-0242ac120002", "NJtcKaoCYu...mGZDxRgMBMUw=="]
site_id = "29"
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
integration = "Mixpanel"
[sinks.other]
kind = "json_lines"
path = "data/other.jsonl"
"""

Arrived = Callable[[int], list[dict[str, Any]]]

ASSIGNED = {"messageId", "timestamp", "receivedAt"}
"""The values that the gateway chooses if an example does not."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all examples, which are sent one after the other."""
    with Gateway(tmp_path_factory.mktemp("examples"), CONFIG) as running:
        yield running


@pytest.fixture
def arrived(running: Gateway) -> Arrived:
    """A function that returns the events that arrived during the test, once there are so many."""
    before = len(running.drained())
    return lambda count: running.delivered(before + count)[before:]


def send(running: Gateway, example: dict[str, Any], route: str) -> Answer:
    target = f"{route}?{example['query']}" if "query" in example else route
    body = json.dumps(example["body"]) if "body" in example else None
    return running.request(example["method"], target, body, example["headers"])


@pytest.mark.parametrize(
    ("example", "route"),
    [
        pytest.param(example, route, id=f"{name} to {route}")
        for name, example in EXAMPLES.items()
        for route in example["routes"]
    ],
)
def test_an_example_arrives_field_for_field(
    running: Gateway, arrived: Arrived, example: dict[str, Any], route: str
) -> None:
    answer = send(running, example, route)

    found = arrived(len(example["events"]))
    added = [event.keys() - expected.keys() for event, expected in zip(found, example["events"], strict=True)]
    assert answer.status == 200
    assert all(names <= ASSIGNED for names in added)
    assert found == [
        {
            **expected,
            **{name: event[name] for name in names},
            "source": {**expected["source"], "route": route},
        }
        for event, expected, names in zip(found, example["events"], added, strict=True)
    ]


def test_an_example_without_a_time_gets_the_time_of_receipt(running: Gateway, arrived: Arrived) -> None:
    send(running, EXAMPLES["metarouter page"], "/v1/page")

    [event] = arrived(1)
    assert event["timestamp"] == event["receivedAt"]
    assert event["messageId"]


def test_the_batch_reaches_only_its_integration(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)

    send(running, EXAMPLES["metarouter batch"], "/v1/batch")

    running.delivered(2)
    until(lambda: running.pending("other") == 0)
    assert running.events("data/other.jsonl") == []


def test_a_purchase_is_the_same_event_in_both_versions(running: Gateway, arrived: Arrived) -> None:
    for version in ("1.0", "2.0"):
        send(running, EXAMPLES[f"commandersact purchase of version {version}"], "/events")

    old, new = arrived(2)
    assert old.pop("source") == {**new.pop("source"), "dialect": "commandersact.v1"}
    # The document gives its event no id, so each is given another; `native` says how each was written.
    for name in ("messageId", "receivedAt", "native"):
        del old[name], new[name]
    assert old == new
