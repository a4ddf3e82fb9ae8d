"""Snap's Conversions API: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from tests.destinations import snap
from tests.destinations.ads import SNAP
from tests.destinations.commerce import ORDER, PRODUCT
from tests.destinations.trying import hashed


def test_an_order_is_a_purchase() -> None:
    order = {"event": "Order Completed", "anonymousId": "a1", "properties": ORDER}

    mapped = SNAP.map(SNAP.visit(order))

    [request] = mapped.requests
    assert request.call.url == "https://tr.snapchat.com/v3/1ec32188-754e/events"
    assert request.call.query == {"access_token": "snap-token"}
    assert mapped.body == {
        "data": [
            {
                "event_name": "PURCHASE",
                "event_time": 1767268800,
                "event_id": "m0",
                "action_source": "website",
                "event_source_url": "https://shop.example/a?ScCid=click1",
                "user_data": {
                    "external_id": [hashed("u1"), hashed("a1")],
                    "client_ip_address": "192.0.2.1",
                    "client_user_agent": "Mozilla/5.0",
                    "sc_click_id": "click1",
                    "sc_cookie1": "cookie1",
                },
                "custom_data": {
                    "value": 25.0,
                    "currency": "USD",
                    "order_id": "50314b8e",
                    "content_ids": ["507f1f77", "505bd76785"],
                    "content_category": ["Games", "Games"],
                    "brands": ["Hasbro", "Hasbro"],
                    "num_items": 2,
                },
            }
        ]
    }


@pytest.mark.parametrize("name", sorted(snap.NAMES))
def test_a_name_of_snap_passes(name: str) -> None:
    properties = {"value": 1, "currency": "EUR"}

    found = SNAP.data({"event": name, "properties": properties})

    assert found["event_name"] == name


def test_the_product_of_an_event_is_a_list_of_one() -> None:
    added = {"event": "Product Added", "properties": {**PRODUCT, "quantity": 2}}

    custom = SNAP.data(added)["custom_data"]

    assert custom["value"] == 37.98
    assert (custom["content_ids"], custom["content_category"]) == (["507f1f77"], ["Games"])


# The vectors of Snap's documents.
@pytest.mark.parametrize(
    ("traits", "name", "start"),
    [
        pytest.param({"email": "Person@Example.com"}, "em", "542d24012988", id="email"),
        pytest.param({"phone": "+44 844 412 4653"}, "ph", "dc008fda46e2", id="phone"),
        pytest.param({"firstName": "John"}, "fn", "96d9632f3635", id="first name"),
        pytest.param({"firstName": "Raphaël"}, "fn", "e74bb89e718f", id="first name with an accent"),
    ],
)
def test_hashes_are_those_of_snaps_documents(traits: dict[str, Any], name: str, start: str) -> None:
    found = SNAP.user(**traits)[name]

    assert (found[0] if isinstance(found, list) else found).startswith(start)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param(
            {"context": {"ip": "192.0.2.1", "page": {"url": "https://a.example"}}},
            "weak_match",
            id="no browser",
        ),
        pytest.param(
            {"context": {"ip": "192.0.2.1", "userAgent": "M"}}, "missing_event_source_url", id="no page"
        ),
        pytest.param(
            {"event": "Order Completed", "properties": {"total": 1}}, "missing_currency", id="no code"
        ),
        pytest.param({"event": "Order Completed"}, "missing_value", id="no value"),
        pytest.param({"event": "PURCHASE"}, "incomplete_purchase", id="a purchase by Snap's name"),
        pytest.param({"properties": {"currency": "Euro"}}, "invalid_currency", id="no currency code"),
        pytest.param({"timestamp": "2025-11-25T11:59:00.000Z"}, "too_old", id="over 37 days old"),
    ],
)
def test_what_would_have_a_whole_request_refused_is_not_sent(fields: dict[str, Any], code: str) -> None:
    assert SNAP.refusals(fields) == [code]


def test_an_app_describes_itself_and_its_device_in_sixteen_places() -> None:
    context = {
        "device": {"type": "ios", "advertisingId": "7A3CBEA0", "model": "iPhone7,2"},
        "app": {"namespace": "com.example.shop", "version": "2.1", "build": "2.1.7"},
        "os": {"version": "26.1"},
    }

    found = SNAP.data({"event": "APP_OPEN", "context": context}, action_source="app", app_id="544007664")

    app = ["i2", "com.example.shop", "2.1.7", "2.1", "26.1", "iPhone7,2", *[""] * 10]
    assert found["app_data"] == {"app_id": "544007664", "advertiser_tracking_enabled": 0, "extinfo": app}
    assert found["user_data"]["madid"] == "7a3cbea0"


def test_a_validation_has_an_address_of_its_own() -> None:
    [request] = SNAP.map(SNAP.visit({}), validate="true").requests

    assert request.call.url == "https://tr.snapchat.com/v3/1ec32188-754e/events/validate"


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_answers_are_judged_by_their_status(status: int) -> None:
    body = b'{"status": "INVALID", "reason": "Timestamp invalid or out of range"}'

    assert SNAP.judge(status, body).kind == "unknown"
