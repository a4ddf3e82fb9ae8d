"""A real SDK, unmodified, against the real server: what it sends is what arrives."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from segment.analytics.client import Client  # type: ignore[import-untyped]  # it comes without types
from segment.analytics.consumer import BATCH_SIZE_LIMIT  # type: ignore[import-untyped]  # as above

from tests.gateway import Gateway

CONTEXT = {"ip": "203.0.113.9", "locale": "de-CH", "page": {"url": "https://example.com/?a=1&b=%20"}}
VALUES = {
    "text": 'é漢😀 "quoted" \\ \n\t\u2028 </script>',
    "numbers": [0, -1, 12.5, 1e21, 2**53 + 1, 2**63 + 1],
    "nothing": None,
    "truth": [True, False],
    "nested": {"empty": {}, "list": [], "deep": [{"a": [{"b": "c"}]}]},
    "exact": Decimal("19.99"),
    "instant": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2))),
    "": "a field without a name",
}
PERSON: dict[str, Any] = {"user_id": "u1", "anonymous_id": "a1"}

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("identify", {**PERSON, "traits": VALUES, "context": CONTEXT}),
    ("identify", {"user_id": 12345}),
    ("track", {**PERSON, "event": "Ordered", "properties": VALUES, "integrations": {"Mixpanel": False}}),
    ("track", {"anonymous_id": "a2", "event": "Née 😀", "message_id": "my-own"}),
    ("page", {**PERSON, "category": "Shop", "name": "Home", "properties": VALUES}),
    ("page", {"user_id": "u1"}),
    ("screen", {**PERSON, "category": "Shop", "name": "Home", "properties": VALUES}),
    ("screen", {"user_id": "u1", "name": "Main"}),
    ("group", {**PERSON, "group_id": "g1", "traits": VALUES}),
    ("group", {"user_id": "u1", "group_id": 77}),
    ("alias", {"previous_id": "a1", "user_id": "u1", "context": CONTEXT}),
    ("track", {"user_id": "u1", "event": "Old", "timestamp": datetime(2020, 2, 29, 23, 59, tzinfo=UTC)}),
]


@contextmanager
def sdk(running: Gateway, **options: Any) -> Iterator[Client]:
    """A client that has sent everything when the block ends, and must not have met an error."""
    errors: list[Exception] = []
    host = f"http://127.0.0.1:{running.port}"
    client = Client("dev", host=host, on_error=lambda error, _: errors.append(error), **options)
    yield client
    if not client.sync_mode:
        client.shutdown()
    assert errors == []


def say(client: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make a call of the SDK; what it is going to send."""
    queued, message = getattr(client, name)(**arguments)
    assert queued
    return dict(message)


def expected(message: dict[str, Any]) -> dict[str, Any]:
    """The canonical event of what the SDK sends, but for the moments of sending and receiving."""
    said = {name: plain(value) for name, value in message.items() if value is not None}
    instant = datetime.fromisoformat(said["timestamp"]).astimezone(UTC)
    written = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "properties": {},
        "traits": {},
        **said,
        **({"groupId": str(said["groupId"])} if "groupId" in said else {}),
        "timestamp": written,
        "originalTimestamp": written,
        "source": {"name": "default", "dialect": "segment", "route": "/v1/batch"},
    }


def plain(value: Any) -> Any:
    """What JSON makes of it in the hands of the SDK."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime) else value


def without_moments(event: dict[str, Any]) -> dict[str, Any]:
    assert event["sentAt"]
    assert event["receivedAt"]
    return {name: value for name, value in event.items() if name not in ("sentAt", "receivedAt")}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"gzip": True}, id="gzip"),
        pytest.param({"sync_mode": True}, id="a request a call"),
    ],
)
def test_every_call_arrives_field_for_field(gateway: Callable[..., Gateway], options: dict[str, Any]) -> None:
    running = gateway()

    with sdk(running, **options) as client:
        said = [say(client, name, arguments) for name, arguments in CALLS]

    arrived = [without_moments(event) for event in running.delivered(len(CALLS))]
    assert arrived == [expected(message) for message in said]


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_several_batches_arrive_in_order(gateway: Callable[..., Gateway], gzip: bool) -> None:
    running = gateway()

    with sdk(running, gzip=gzip) as client:
        for number in range(350):
            client.track("u1", "Ordered", {"number": number})

    arrived = [event["properties"]["number"] for event in running.delivered(350)]
    assert arrived == list(range(350))


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_the_largest_batches_it_makes_are_taken(gateway: Callable[..., Gateway], gzip: bool) -> None:
    running = gateway()

    with sdk(running, gzip=gzip, upload_interval=1) as client:
        said = [
            say(client, "track", {**PERSON, "event": "Big", "properties": {"x": f"{number:014000}"}})
            for number in range(40)
        ]

    arrived = running.delivered(40)
    batches = Counter(event["sentAt"] for event in arrived)
    assert [without_moments(event) for event in arrived] == [expected(message) for message in said]
    assert max(batches.values()) * 14_000 > BATCH_SIZE_LIMIT - 14_000


def test_what_it_sends_that_is_no_json_costs_nothing_but_itself(gateway: Callable[..., Gateway]) -> None:
    running = gateway()
    odd = {"not": float("nan"), "much": float("-inf"), "half": "x\ud83dy", "whole": "😀"}

    with sdk(running) as client:
        client.track("u1", "Before")
        client.track("u1", "Odd", odd)
        client.track("u1", "After")

    before, event, after = running.delivered(3)
    assert event["properties"] == {"not": None, "much": None, "half": "x\ufffdy", "whole": "😀"}
    assert [warning["field"] for warning in event["warnings"]] == [
        "properties.not",
        "properties.much",
        "properties.half",
    ]
    assert "warnings" not in {**before, **after}
