"""Google Analytics 4: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import ga4
from tests.destinations.commerce import EVENTS, ORDER, PRODUCT
from tests.destinations.trying import NOW, Vendor

GA4 = Vendor("ga4", ga4.broken, measurement_id="G-ABC123", api_secret="secret")
BROWSER = {
    "ip": "192.0.2.1",
    "userAgent": "Mozilla/5.0",
    "page": {"url": "https://shop.example/a", "title": "A", "referrer": "https://g.example/"},
    "cookies": {"_ga": "GA1.1.1234567890.1700000000", "_ga_ABC123": "GS2.1.s1767268000$o3$g1$t1"},
}
EMAIL_HASH = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"  # user@example.com


def event(mapped: Any) -> dict[str, Any]:
    [found] = mapped.body["events"]
    assert isinstance(found, dict)
    return found


def test_an_order_is_a_purchase() -> None:
    mapped = GA4.map({"event": "Order Completed", "properties": ORDER, "context": BROWSER})

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == ("POST", "https://www.google-analytics.com/mp/collect")
    assert request.call.query == {"api_secret": "secret", "measurement_id": "G-ABC123"}
    item = {
        "item_id": "507f1f77",
        "item_name": "Monopoly",
        "price": 18.99,
        "quantity": 1,
        "item_brand": "Hasbro",
        "item_category": "Games",
        "item_variant": "200 pieces",
        "coupon": "MAY",
        "index": 3,
    }
    assert mapped.body == {
        "client_id": "1234567890.1700000000",
        "user_id": "u1",
        "ip_override": "192.0.2.1",
        "user_agent": "Mozilla/5.0",
        "events": [
            {
                "name": "purchase",
                "timestamp_micros": 1767268800000000,
                "params": {
                    "session_id": "1767268000",
                    "engagement_time_msec": 1,
                    "page_location": "https://shop.example/a",
                    "page_title": "A",
                    "page_referrer": "https://g.example/",
                    "transaction_id": "50314b8e",
                    "currency": "USD",
                    "value": 27.5,
                    "tax": 2,
                    "shipping": 3,
                    "coupon": "hasbros",
                    "affiliation": "Google Store",
                    "items": [
                        item,
                        {**item, "item_id": "505bd76785", "item_name": "Uno", "price": 3, "index": 2},
                    ],
                },
            }
        ],
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_google_accepts(name: str) -> None:
    GA4.map({"event": name, "properties": EVENTS[name], "context": BROWSER})


@pytest.mark.parametrize(
    ("name", "google"),
    [
        ("Product Viewed", "view_item"),
        ("Product Added", "add_to_cart"),
        ("Checkout Started", "begin_checkout"),
        ("Order Refunded", "refund"),
        ("Products Searched", "search"),
        ("Promotion Clicked", "select_promotion"),
        ("Coupon Applied", "coupon_applied"),
    ],
)
def test_an_event_has_the_name_of_google(name: str, google: str) -> None:
    assert event(GA4.map({"event": name, "properties": EVENTS[name]}))["name"] == google


def test_the_value_of_a_product_is_its_price_times_its_quantity() -> None:
    mapped = GA4.map({"event": "Product Added", "properties": {**PRODUCT, "quantity": 3, "currency": "EUR"}})

    assert event(mapped)["params"]["value"] == pytest.approx(56.97)


def test_which_amount_is_the_value_is_a_setting() -> None:
    mapped = GA4.map({"event": "Order Completed", "properties": ORDER}, value="revenue")

    assert event(mapped)["params"]["value"] == 25.0


def test_a_value_without_a_currency_is_not_sent_unless_a_setting_names_one() -> None:
    added = {"event": "Product Added", "properties": PRODUCT}

    assert "value" not in event(GA4.map(added))["params"]
    assert event(GA4.map(added, currency="CHF"))["params"]["value"] == 18.99


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"properties": {**ORDER, "order_id": ""}}, "missing_transaction_id", id="no order id"),
        pytest.param({"properties": {**ORDER, "products": []}}, "missing_items", id="no products"),
        pytest.param({"properties": {**ORDER, "currency": None}}, "missing_currency", id="no currency"),
        pytest.param(
            {"properties": {**ORDER, "currency": "Euro"}}, "invalid_currency", id="no currency code"
        ),
        pytest.param(
            {"properties": {**ORDER, "products": [{"price": 1}]}}, "item_without_id", id="no item id"
        ),
        pytest.param({"event": "Session Start"}, "reserved_event_name", id="reserved name"),
        pytest.param({"event": "ga_view"}, "invalid_event_name", id="reserved prefix"),
        pytest.param({"event": "1st order"}, "invalid_event_name", id="a digit first"),
        pytest.param({"event": "購入"}, "missing_name", id="no letter that Google has"),
        pytest.param(
            {"event": "E", "properties": {f"p{n}": n for n in range(25)}}, "too_many_params", id="26"
        ),
        pytest.param({"event": "E", "properties": {"1": 1}}, "invalid_param_name", id="name of a parameter"),
        pytest.param({"timestamp": "2025-12-29T12:00:59.000Z"}, "too_old", id="over 72 hours old"),
        pytest.param({"timestamp": "2026-01-01T12:16:01.000Z"}, "in_future", id="over 15 minutes ahead"),
    ],
)
def test_what_google_would_drop_in_silence_is_refused(fields: dict[str, Any], code: str) -> None:
    mapped = GA4.map({"event": "Order Completed", "properties": ORDER, **fields})

    assert (mapped.codes, mapped.requests) == ([code], [])


def test_an_event_of_exactly_72_hours_is_not_too_old() -> None:
    GA4.map({"timestamp": "2025-12-29T12:01:00.000Z"}, now=NOW)


def test_an_event_of_ones_own_has_its_properties_without_what_identifies_a_person() -> None:
    properties = {
        "email": "user@example.com",
        "plan": "pro",
        "nested": {"deep": 1},
        "list": [1],
        "title": "x" * 200,
    }

    mapped = GA4.map({"event": "Plan Chosen", "properties": properties})

    assert event(mapped)["name"] == "plan_chosen"
    assert event(mapped)["params"] == {
        "engagement_time_msec": 1,
        "plan": "pro",
        "nested_deep": 1,
        "title": "x" * 100,
    }


def test_a_page_is_a_page_view_and_a_group_is_joined() -> None:
    page = GA4.map({"type": "page", "event": "", "name": "Home", "context": BROWSER})
    group = GA4.map({"type": "group", "event": "", "groupId": "g1"})

    assert event(page)["name"] == "page_view"
    assert event(page)["params"]["page_location"] == "https://shop.example/a"
    assert (event(group)["name"], event(group)["params"]["group_id"]) == ("join_group", "g1")


@pytest.mark.parametrize(("type", "reason"), [("identify", "type"), ("alias", "type"), ("track", None)])
def test_types_without_a_rule_are_filtered(type: str, reason: str | None) -> None:
    assert GA4.program().exclusion(type, "E", b"") == reason


def test_a_person_is_known_by_hashes_alone() -> None:
    traits = {"email": " U.ser@gmail.com", "phone": "+49 (0)30 901820", "plan": "pro", "firstName": "Ann"}

    body = GA4.map({"context": {"traits": traits}}).body

    assert body["user_properties"] == {"plan": {"value": "pro"}}
    assert body["user_data"] == {
        "sha256_email_address": ["02ee7bdc4ccf5c94808a0118eb531822f13e7e38e3810ab29ebefb2c2feb8e58"],
        "sha256_phone_number": ["4db5829924ee5c466cbd9ac69b2a6af527f758614fa3b3aec8c89b16a709a678"],
    }


def test_what_is_hashed_already_passes() -> None:
    body = GA4.map({"context": {"traits": {"email": EMAIL_HASH.upper()}}}).body

    assert body["user_data"] == {"sha256_email_address": [EMAIL_HASH]}


def test_a_client_is_known_by_the_cookie_or_else_by_the_anonymous_id() -> None:
    assert GA4.map({"anonymousId": "a1", "context": BROWSER}).body["client_id"] == "1234567890.1700000000"
    assert GA4.map({"anonymousId": "a1"}).body["client_id"] == "a1"


@pytest.mark.parametrize("cookie", ["GS1.1.1767268000.3.1.1", "GS2.1.s1767268000$o3$g1"])
def test_a_session_is_known_by_both_forms_of_its_cookie(cookie: str) -> None:
    mapped = GA4.map({"context": {"cookies": {"_ga_ABC123": cookie, "_ga_OTHER": "GS1.1.5.5"}}})

    assert event(mapped)["params"]["session_id"] == "1767268000"


@pytest.mark.parametrize(("said", "sent"), [(True, "GRANTED"), (False, "DENIED")])
def test_consent_is_told_by_the_categories_of_the_settings(said: bool, sent: str) -> None:
    consent = {"consent": {"categoryPreferences": {"Ads": said}}}

    body = GA4.map({"context": consent}, ad_user_data="Ads", ad_personalization="Ads").body

    assert body["consent"] == {"ad_user_data": sent, "ad_personalization": sent}


def test_of_a_person_who_said_nothing_nothing_is_told() -> None:
    assert "consent" not in GA4.map({}, ad_user_data="Ads").body


def test_a_request_has_at_most_25_events_of_one_person() -> None:
    events = [{"userId": f"u{number % 2}"} for number in range(60)]

    mapped = GA4.map(*events)

    assert sorted(len(body["events"]) for body in mapped.bodies) == [5, 5, 25, 25]
    assert all(len({body["user_id"]}) == 1 for body in mapped.bodies)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"region": "eu"}, "https://region1.google-analytics.com/mp/collect"),
        ({"debug": "true"}, "https://www.google-analytics.com/debug/mp/collect"),
    ],
)
def test_region_and_debugging_are_settings(settings: dict[str, Any], url: str) -> None:
    assert GA4.map({}, **settings).requests[0].call.url == url


def test_answers_of_the_debug_address_name_the_culprits() -> None:
    answers = GA4.program().calls["send"].answers
    said = b'{"validationMessages": [{"fieldPath": "events[1].name", "description": "reserved"}]}'

    assert answers.judge(200, said) == Verdict("refused", {("", 1): "reserved"}, stored=True)
    assert answers.judge(200, b'{"validationMessages": []}') == Verdict("ok")
    assert answers.judge(204, b"") == Verdict("ok")
