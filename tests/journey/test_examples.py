"""Every example of MetaRouter's HTTP API, once its JSON is mended, through the real server into the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Answer, Gateway, until

RECORDINGS = Path(__file__).parents[1] / "dialects/recordings/metarouter.json"
EXAMPLES: list[dict[str, Any]] = json.loads(RECORDINGS.read_text())

# Each source has the key of some examples; the batch is only for the integration that it names.
CONFIG = """
[server]
port = 0
[inspector]
port = 0
[sources.api]
write_keys = ["ILoveData123"]
[sources.batch]
write_keys = ["test1"]
[sources.pixel]
write_keys = ["example"]
[sources.webhook]
write_keys = ["abcdefg"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
integration = "Mixpanel"
[sinks.other]
kind = "json_lines"
path = "data/other.jsonl"
"""

ASSIGNED = {"messageId", "timestamp", "receivedAt"}
"""What the gateway decides itself where an example does not."""


def send(running: Gateway, example: dict[str, Any], route: str) -> Answer:
    target = f"{route}?{example['query']}" if "query" in example else route
    body = json.dumps(example["body"]) if "body" in example else None
    return running.request(example["method"], target, body, example["headers"])


@pytest.mark.parametrize(
    ("example", "route"),
    [
        pytest.param(example, route, id=f"{example['name']} to {route}")
        for example in EXAMPLES
        for route in example["routes"]
    ],
)
def test_an_example_arrives_field_for_field(
    gateway: Callable[..., Gateway], example: dict[str, Any], route: str
) -> None:
    running = gateway(CONFIG)

    answer = send(running, example, route)

    arrived = running.delivered(len(example["events"]))
    added = [
        event.keys() - expected.keys() for event, expected in zip(arrived, example["events"], strict=True)
    ]
    assert answer.status == 200
    assert all(names <= ASSIGNED for names in added)
    assert arrived == [
        {
            **expected,
            **{name: event[name] for name in names},
            "source": {**expected["source"], "route": route},
        }
        for event, expected, names in zip(arrived, example["events"], added, strict=True)
    ]


def test_an_example_without_a_time_happened_when_it_was_received(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    example = next(example for example in EXAMPLES if example["name"] == "page")

    send(running, example, "/v1/page")

    [event] = running.delivered(1)
    assert event["timestamp"] == event["receivedAt"]
    assert event["messageId"]


def test_the_batch_reaches_only_the_integration_that_it_names(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    example = next(example for example in EXAMPLES if example["name"] == "batch")

    send(running, example, "/v1/batch")

    running.delivered(2)
    until(lambda: running.metrics()['gateway_sink_pending_events{sink="other"}'] == 0)
    assert running.events("data/other.jsonl") == []
