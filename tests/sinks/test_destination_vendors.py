"""Vendors that refuse a part of a request: the events they name become dead letters, and no others."""

import json
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkRefused
from gateway.sinks.destination import Destination
from tests.build import event_line
from tests.destinations.commerce import ORDER
from tests.sinks import chaos
from tests.sinks.batches import batch_of, write
from tests.sinks.chaos import Target, script

SETTINGS = {
    "klaviyo": {"api_key": "pk"},
    "braze": {"endpoint": "rest.fra-01.braze.eu", "api_key": "key", "legacy_purchases": "true"},
    "customerio": {"site_id": "site", "api_key": "key"},
    "hubspot": {"hub_id": "77", "access_token": "pat"},
    "slack": {"webhook_url": "https://hooks.slack.com/services/T0/B0/x"},
}


def refuse(name: str, status: int, said: Any) -> tuple[SinkRefused, Target]:
    """Write an event, an order of two products and another event; return what the sink made of the answer."""
    known = {"traits": {"email": "ann@example.com"}}
    lines = [
        event_line(0, context=known),
        event_line(1, event="Order Completed", properties=ORDER, context=known),
        event_line(2, context=known),
    ]
    body = said.encode() if isinstance(said, str) else json.dumps(said).encode()
    settings = {key: Secret(value) for key, value in SETTINGS[name].items()}
    with Target(script(then=chaos.answer(status, body))) as target:
        sink = Destination(name=name, settings=settings, url=target.url, allow_private=True, in_flight=1)
        with pytest.raises(SinkRefused) as raised:
            write(sink, b"", batch_of(lines))
    return raised.value, target


@pytest.mark.parametrize(
    ("name", "status", "said", "culprits", "delivered"),
    [
        pytest.param(
            "klaviyo",
            400,
            {
                "errors": [
                    {"detail": "bad", "source": {"pointer": "/data/attributes/events-bulk-create/data/3/x"}}
                ]
            },
            {1: "bad"},
            [],
            id="klaviyo: a product of the order, and nothing is stored",
        ),
        pytest.param(
            "braze",
            201,
            {"errors": [{"type": "bad", "input_array": "purchases", "index": 1}]},
            {1: "bad"},
            [0, 2],
            id="braze: the second purchase, and the rest is stored",
        ),
        pytest.param(
            "braze",
            201,
            {"errors": [{"type": "bad", "input_array": "events", "index": 1}]},
            {2: "bad"},
            [0, 1],
            id="braze: the second event, which is the third of all",
        ),
        pytest.param(
            "customerio",
            207,
            {"errors": [{"batch_index": 1, "message": "bad"}]},
            {1: "bad"},
            [0, 2],
            id="customerio: an item, and the rest is stored",
        ),
        pytest.param("hubspot", 400, {"message": "no such event"}, {}, [], id="hubspot names none"),
        pytest.param("slack", 400, "invalid_blocks", {}, [], id="slack names none"),
    ],
)
def test_the_events_that_a_vendor_names_are_refused(
    name: str, status: int, said: Any, culprits: dict[int, str], delivered: list[int]
) -> None:
    error, _ = refuse(name, status, said)

    assert {index: culprit.message for index, culprit in error.culprits.items()} == culprits
    assert error.delivered == delivered


def test_the_address_of_a_webhook_is_in_no_error() -> None:
    error, target = refuse("slack", 400, "no: https://hooks.slack.com/services/T0/B0/x, /services/T0/B0/x")

    assert [request.target for request in target.requests] == ["/services/T0/B0/x"]
    assert error.answer == "no: ********, ********"
