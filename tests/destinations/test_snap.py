"""Snap's Conversions API: requests as its documents want them, written by hand from these."""

from hashlib import sha256
from typing import Any

import pytest

from tests.destinations import snap
from tests.destinations.commerce import EVENTS, ORDER, PRODUCT
from tests.destinations.trying import Mapped, Vendor, members

SNAP = Vendor("snap", snap.broken, asset_id="1ec32188-754e", access_token="snap-token")
BROWSER = {
    "ip": "192.0.2.1",
    "userAgent": "Mozilla/5.0",
    "page": {"url": "https://shop.example/a?ScCid=click1"},
    "cookies": {"_scid": "cookie1"},
}
SENT = {
    *("Products Searched", "Product List Viewed", "Promotion Viewed", "Promotion Clicked", "Product Viewed"),
    *("Product Added", "Product Added to Wishlist", "Checkout Started", "Payment Info Entered"),
    *("Order Completed", "Product Shared", "Cart Shared", "Product Reviewed"),
}


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def data(mapped: Mapped) -> dict[str, Any]:
    [found] = mapped.body["data"]
    assert isinstance(found, dict)
    return found


def user(**traits: Any) -> dict[str, Any]:
    """Return the user_data of a person with traits."""
    found = data(SNAP.map({"event": "SAVE", "context": {**BROWSER, "traits": traits}}))["user_data"]
    assert isinstance(found, dict)
    return found


def test_an_order_is_a_purchase() -> None:
    order = {"event": "Order Completed", "anonymousId": "a1", "properties": ORDER, "context": BROWSER}

    mapped = SNAP.map(order)

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


@pytest.mark.parametrize("name", sorted(SENT))
def test_an_e_commerce_event_that_snap_knows_is_one_that_it_accepts(name: str) -> None:
    SNAP.map({"event": name, "properties": EVENTS[name], "context": BROWSER})


@pytest.mark.parametrize("name", sorted(EVENTS.keys() - SENT))
def test_events_that_snap_has_no_name_for_are_filtered(name: str) -> None:
    assert SNAP.program().exclusion("track", name, b"") == "event"


@pytest.mark.parametrize(
    ("name", "snaps"),
    [
        ("Products Searched", "SEARCH"),
        ("Product List Viewed", "LIST_VIEW"),
        ("Promotion Clicked", "AD_CLICK"),
        ("Product Viewed", "VIEW_CONTENT"),
        ("Product Added", "ADD_CART"),
        ("Product Added to Wishlist", "ADD_TO_WISHLIST"),
        ("Checkout Started", "START_CHECKOUT"),
        ("Payment Info Entered", "ADD_BILLING"),
        ("Cart Shared", "SHARE"),
    ],
)
def test_an_event_has_the_name_of_snap(name: str, snaps: str) -> None:
    found = data(SNAP.map({"event": name, "properties": EVENTS[name], "context": BROWSER}))

    assert found["event_name"] == snaps


@pytest.mark.parametrize("name", sorted(snap.NAMES))
def test_a_name_of_snap_passes(name: str) -> None:
    properties = {"value": 1, "currency": "EUR"}

    found = data(SNAP.map({"event": name, "properties": properties, "context": BROWSER}))

    assert found["event_name"] == name


def test_a_page_is_a_page_view() -> None:
    assert data(SNAP.map({"type": "page", "event": "", "context": BROWSER}))["event_name"] == "PAGE_VIEW"


@pytest.mark.parametrize("type", ["identify", "group", "alias", "screen"])
def test_types_without_a_rule_are_filtered(type: str) -> None:
    assert SNAP.program().exclusion(type, "", b"") == "type"


def test_the_product_of_an_event_is_a_list_of_one() -> None:
    added = {"event": "Product Added", "properties": {**PRODUCT, "quantity": 2}, "context": BROWSER}

    custom = data(SNAP.map(added))["custom_data"]

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
    found = user(**traits)[name]

    assert (found[0] if isinstance(found, list) else found).startswith(start)


def test_hashed_values_are_not_hashed_twice() -> None:
    value = hashed("a@example.com")

    assert user(email=value, lastName=value)["em"] == [value]
    assert user(email=value, lastName=value)["ln"] == value


def test_nothing_of_a_person_leaves_in_plain_text() -> None:
    traits = {
        "email": "ann@example.com",
        "phone": "+4930901820",
        "firstName": "Ann",
        "lastName": "Lee",
        "birthday": "1990-05-21",
        "address": {"city": "Berlin", "postalCode": "10115", "country": "DE"},
    }
    mapped = SNAP.map({"event": "Signed Up", "context": {**BROWSER, "traits": traits}})

    sent = {str(value).lower() for _, value in members(mapped.body)}

    plain = ("ann@example.com", "4930901820", "ann", "lee", "19900521", "berlin", "10115", "de", "u1")
    assert sent.isdisjoint(plain)


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
    event = {"event": "SAVE", "context": BROWSER}

    mapped = SNAP.map({**event, **fields}, event)

    assert mapped.codes == [code]
    assert [each["event_id"] for each in mapped.bodies[0]["data"]] == ["m1"]


def test_a_server_names_the_page_by_a_setting() -> None:
    event = {"event": "SAVE", "context": {"traits": {"email": "a@example.com"}}}

    assert data(SNAP.map(event, page_url="https://a.example/"))["event_source_url"] == "https://a.example/"


def test_an_event_of_a_shop_needs_no_page() -> None:
    event = {"event": "SAVE", "context": {"traits": {"email": "a@example.com"}}}

    assert "event_source_url" not in data(SNAP.map(event, action_source="OFFLINE"))


def test_an_app_describes_itself_and_its_device_in_sixteen_places() -> None:
    context = {
        "device": {"type": "ios", "advertisingId": "7A3CBEA0", "model": "iPhone7,2"},
        "app": {"namespace": "com.example.shop", "version": "2.1", "build": "2.1.7"},
        "os": {"version": "26.1"},
    }

    found = data(SNAP.map({"event": "APP_OPEN", "context": context}, action_source="app", app_id="544007664"))

    app = ["i2", "com.example.shop", "2.1.7", "2.1", "26.1", "iPhone7,2", *[""] * 10]
    assert found["app_data"] == {"app_id": "544007664", "advertiser_tracking_enabled": 0, "extinfo": app}
    assert found["user_data"]["madid"] == "7a3cbea0"


@pytest.mark.parametrize(
    ("settings", "granted", "limited"),
    [
        pytest.param({"limited_data_use": "true"}, True, True, id="always"),
        pytest.param({"limited_data_use_consent": "Ads"}, False, True, id="denied"),
        pytest.param({"limited_data_use_consent": "Ads"}, True, False, id="granted"),
        pytest.param({}, False, False, id="no setting"),
    ],
)
def test_data_use_is_limited_by_settings(settings: dict[str, Any], granted: bool, limited: bool) -> None:
    consent = {"categoryPreferences": {"Ads": granted}}

    found = data(SNAP.map({"event": "SAVE", "context": {**BROWSER, "consent": consent}}, **settings))

    options = [found.get(f"data_processing_options{name}") for name in ("", "_country", "_state")]
    assert options == ([["LDU"], 0, 0] if limited else [None, None, None])


def test_a_validation_has_an_address_of_its_own() -> None:
    [request] = SNAP.map({"event": "SAVE", "context": BROWSER}, validate="true").requests

    assert request.call.url == "https://tr.snapchat.com/v3/1ec32188-754e/events/validate"


def test_a_request_has_at_most_2000_events() -> None:
    mapped = SNAP.map(*[{"event": "SAVE", "context": BROWSER}] * 2001)

    assert [len(body["data"]) for body in mapped.bodies] == [2000, 1]


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_answers_are_judged_by_their_status(status: int) -> None:
    body = b'{"status": "INVALID", "reason": "Timestamp invalid or out of range"}'

    assert SNAP.program().calls["send"].answers.judge(status, body).kind == "unknown"
