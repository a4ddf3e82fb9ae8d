"""The APIs of a real gateway: search, the stream, validation, and the event delivery API on both ports."""

import http.client
import json
from collections.abc import Callable
from typing import Any

from tests.gateway import DEFAULTS, PATIENCE, Gateway, until

CONFIG = DEFAULTS.replace(
    'write_keys = ["dev"]', 'write_keys = ["dev"]\nsite_id = "29"\napi_tokens = ["token"]'
)
EVENT = {"type": "track", "userId": "u1", "event": "Ordered", "messageId": "m1"}


def test_an_event_is_found_streamed_and_counted(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    stream = http.client.HTTPConnection("127.0.0.1", running.inspector_port, timeout=PATIENCE)
    stream.request("GET", "/api/events/stream")
    shown = stream.getresponse()
    assert shown.status == 200

    running.post("/v1/track", EVENT)
    running.drained()

    lines = iter(shown.readline, b"")
    data = next(line for line in lines if line.startswith(b"data: "))
    assert json.loads(data.removeprefix(b"data: "))["message_id"] == "m1"
    stream.close()
    found = running.request("GET", "/api/events?message_id=m1", port=running.inspector_port).json["items"]
    assert [each["position"] for each in found] == ["0/0"]
    path = "/v2/29/integrations/events/delivery/healths"
    bearer = {"Authorization": "Bearer token"}

    def healths(port: int) -> Any:
        """Return what is said of deliveries, as soon as the API takes the call."""
        while True:
            answer = running.request("GET", path, headers=bearer, port=port)
            if answer.status == 200:
                return answer.json["data"]["attributes"]
            assert answer.status in (404, 429, 503)

    until(lambda: healths(running.port)["success"]["immediate"]["total"] == 1)
    assert healths(running.inspector_port) == healths(running.port)
    assert running.request("GET", path).status == 401


def test_what_is_validated_is_neither_stored_nor_counted(gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)

    answer = running.post("/v1/validate", [EVENT, {"type": "track"}])

    assert [item["verdict"] for item in answer.json["items"]] == ["accepted", "refused"]
    metrics = running.metrics()
    assert metrics["gateway_events_received_total"] == 0
    assert metrics["gateway_journal_events_total"] == 0
    assert running.request("GET", "/api/refused", port=running.inspector_port).json == {
        "items": [],
        "partial": False,
    }
