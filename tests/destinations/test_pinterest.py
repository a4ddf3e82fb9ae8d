"""Pinterest's Conversions API: requests as its schema wants them, written by hand from it."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import pinterest
from tests.destinations.ads import PINTEREST
from tests.destinations.commerce import ORDER, PRODUCT
from tests.destinations.trying import hashed


def test_an_order_is_a_checkout() -> None:
    order = {"event": "Order Completed", "anonymousId": "a1", "properties": ORDER}

    mapped = PINTEREST.map(PINTEREST.visit(order))

    [request] = mapped.requests
    assert request.call.headers == {"Authorization": "Bearer pin-token"}
    assert mapped.body == {
        "data": [
            {
                "event_name": "checkout",
                "event_time": 1767268800,
                "event_id": "m0",
                "action_source": "web",
                "event_source_url": "https://shop.example/a",
                "language": "en",
                "user_data": {
                    "external_id": [hashed("u1"), hashed("a1")],
                    "client_ip_address": "192.0.2.1",
                    "client_user_agent": "Mozilla/5.0",
                    "click_id": "dj0yJnU9",
                },
                "custom_data": {
                    "value": "25",
                    "currency": "USD",
                    "order_id": "50314b8e",
                    "contents": [
                        {
                            "id": "507f1f77",
                            "item_name": "Monopoly",
                            "item_category": "Games",
                            "item_brand": "Hasbro",
                            "item_price": "18.99",
                            "quantity": 1,
                        },
                        {
                            "id": "505bd76785",
                            "item_name": "Uno",
                            "item_category": "Games",
                            "item_brand": "Hasbro",
                            "item_price": "3",
                            "quantity": 1,
                        },
                    ],
                    "content_ids": ["507f1f77", "505bd76785"],
                    "num_items": 2,
                },
            }
        ]
    }


@pytest.mark.parametrize("name", sorted(pinterest.NAMES))
def test_a_name_of_pinterest_passes(name: str) -> None:
    assert PINTEREST.data({"event": name})["event_name"] == name


def test_a_viewed_product_has_the_name_that_the_tag_sends() -> None:
    viewed = {"event": "Product Viewed", "properties": PRODUCT}

    assert PINTEREST.data(viewed, view_event="view_content")["event_name"] == "view_content"


def test_a_page_is_a_page_visit() -> None:
    page = {"type": "page", "event": "", "name": "Home", "category": "Docs"}

    found = PINTEREST.data(page)

    assert found["event_name"] == "page_visit"
    assert found["custom_data"] == {"content_name": "Home", "content_category": "Docs"}


def test_the_product_of_an_event_is_a_list_of_one() -> None:
    added = {"event": "Product Added", "properties": {**PRODUCT, "quantity": 2}}

    custom = PINTEREST.data(added)["custom_data"]

    assert (custom["value"], custom["content_ids"], custom["num_items"]) == ("37.98", ["507f1f77"], 2)
    assert (custom["content_name"], custom["content_brand"]) == ("Monopoly", "Hasbro")


@pytest.mark.parametrize(
    ("traits", "name", "plain"),
    [
        pytest.param({"email": "John_Smith@gmail.com "}, "em", "john_smith@gmail.com", id="email"),
        pytest.param({"phone": "+1 (650) 555-1212"}, "ph", "16505551212", id="phone without a plus"),
        pytest.param({"firstName": " Mary"}, "fn", "mary", id="first name"),
        pytest.param({"gender": "Female"}, "ge", "f", id="gender"),
        pytest.param({"birthday": "1990-05-21"}, "db", "19900521", id="birthday"),
        pytest.param({"address": {"city": "New York"}}, "ct", "newyork", id="city"),
        pytest.param({"address": {"state": "CA"}}, "st", "ca", id="state"),
        pytest.param({"address": {"postalCode": "94035-1234"}}, "zp", "94035", id="ZIP+4"),
        pytest.param({"address": {"country": "US"}}, "country", "us", id="country"),
    ],
)
def test_what_identifies_a_person_is_a_list_of_hashes(traits: dict[str, Any], name: str, plain: str) -> None:
    assert PINTEREST.user(**traits)[name] == [hashed(plain)]


# https://developers.facebook.com/docs/marketing-api/conversions-api has the vectors of the same form.
def test_the_hash_of_an_address_is_the_published_one() -> None:
    assert PINTEREST.user(email="John_Smith@gmail.com")["em"][0].startswith("62a14e44f765")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"context": {"ip": "192.0.2.1"}}, "weak_match", id="an address without a browser"),
        pytest.param({"context": {"traits": {"phone": "+4930901820"}}}, "weak_match", id="a phone alone"),
        pytest.param({"properties": {"currency": "Euro"}}, "invalid_currency", id="no currency code"),
        pytest.param({"timestamp": "2025-10-03T11:59:00.000Z"}, "too_old", id="over 90 days old"),
    ],
)
def test_what_pinterest_would_refuse_is_not_sent(fields: dict[str, Any], code: str) -> None:
    assert PINTEREST.refusals(fields) == [code]


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"traits": {"email": "a@example.com"}}, id="an e-mail address"),
        pytest.param({"device": {"advertisingId": "7A3CBEA0"}}, id="an advertising id"),
    ],
)
def test_one_thing_that_identifies_a_person_is_enough(context: dict[str, Any]) -> None:
    PINTEREST.map({"event": "app_open", "context": context}, action_source="app_ios")


@pytest.mark.parametrize(
    ("settings", "granted", "out"),
    [
        pytest.param({"opt_out_consent": "Ads"}, False, True, id="denied"),
        pytest.param({"opt_out_consent": "Ads"}, True, None, id="granted"),
        pytest.param({}, False, None, id="no setting"),
    ],
)
def test_a_person_without_consent_has_opted_out(settings: dict[str, Any], granted: bool, out: Any) -> None:
    consent = {"categoryPreferences": {"Ads": granted}}

    found = PINTEREST.data({"context": {**PINTEREST.browser, "consent": consent}}, **settings)

    assert found.get("opt_out") is out


def test_a_test_is_one_by_its_address() -> None:
    [request] = PINTEREST.map(PINTEREST.visit({}), test="true").requests

    assert request.call.query == {"test": "true"}


def test_of_a_request_that_fails_in_part_the_others_are_stored() -> None:
    body = b"""{"num_events_received": 3, "num_events_processed": 2, "events": [
        {"status": "processed"}, {"status": "failed", "error_message": "Bad time"},
        {"status": "processed"}]}"""

    verdict = PINTEREST.judge(422, body)

    assert verdict == Verdict("refused", {("", 1): "Bad time"}, stored=True)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(200, b'{"events": [{"status": "processed"}]}', "ok", id="all processed"),
        pytest.param(401, b'{"code": 2, "message": "Authentication failed."}', "unknown", id="token"),
        pytest.param(429, b'{"code": 8}', "unknown", id="too many calls"),
        pytest.param(422, b'{"code": 1}', "unknown", id="no events named"),
    ],
)
def test_other_answers_are_judged_by_their_status(status: int, body: bytes, kind: str) -> None:
    assert PINTEREST.judge(status, body).kind == kind
