"""Meta's Conversions API: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations.ads import META
from tests.destinations.commerce import ORDER, PRODUCT
from tests.destinations.trying import hashed


def test_an_order_is_a_purchase() -> None:
    mapped = META.map(META.visit({"event": "Order Completed", "anonymousId": "a1", "properties": ORDER}))

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == ("POST", "https://graph.facebook.com/v25.0/1234/events")
    assert mapped.body == {
        "access_token": "meta-token",
        "data": [
            {
                "event_name": "Purchase",
                "event_time": 1767268800,
                "event_id": "m0",
                "action_source": "website",
                "event_source_url": "https://shop.example/a",
                "referrer_url": "https://g.example/",
                "user_data": {
                    "external_id": [hashed("u1"), hashed("a1")],
                    "client_ip_address": "192.0.2.1",
                    "client_user_agent": "Mozilla/5.0",
                    "fbp": "fb.1.1596403881668.1098115397",
                    "fbc": "fb.1.1554763741205.AbCdEf",
                },
                "custom_data": {
                    "value": 25.0,
                    "currency": "USD",
                    "order_id": "50314b8e",
                    "contents": [
                        {"id": "507f1f77", "quantity": 1, "item_price": 18.99},
                        {"id": "505bd76785", "quantity": 1, "item_price": 3},
                    ],
                    "content_ids": ["507f1f77", "505bd76785"],
                    "content_type": "product",
                    "num_items": 2,
                },
            }
        ],
    }


def test_the_product_of_an_event_is_a_list_of_one() -> None:
    added = {"event": "Product Added", "properties": {**PRODUCT, "quantity": 2}}

    custom = META.data(added)["custom_data"]

    assert custom["contents"] == [{"id": "507f1f77", "quantity": 2, "item_price": 18.99}]
    assert (custom["content_ids"], custom["value"]) == (["507f1f77"], 37.98)


# https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
@pytest.mark.parametrize(
    ("traits", "name", "start"),
    [
        pytest.param({"email": "John_Smith@gmail.com "}, "em", "62a14e44f765", id="email"),
        pytest.param({"phone": "+1 (650) 555-1212"}, "ph", "e323ec626319", id="phone"),
        pytest.param({"firstName": "Mary"}, "fn", "6915771be1c5", id="first name"),
        pytest.param({"firstName": "Valéry"}, "fn", "08e1996b5dd4", id="first name with an accent"),
        pytest.param({"firstName": "정"}, "fn", "8fa8cd9c440b", id="first name in Korean"),
    ],
)
def test_hashes_are_those_of_metas_documents(traits: dict[str, Any], name: str, start: str) -> None:
    found = META.user(**traits)[name]

    assert (found[0] if isinstance(found, list) else found).startswith(start)


@pytest.mark.parametrize(
    ("traits", "name", "plain"),
    [
        pytest.param({"lastName": "O'Neill"}, "ln", "oneill", id="no punctuation"),
        pytest.param({"lastName": "Van Dyke"}, "ln", "van dyke", id="space stays in names"),
        pytest.param({"gender": "Female"}, "ge", "f", id="gender"),
        pytest.param({"birthday": "1990-05-21T23:00:00-05:00"}, "db", "19900521", id="birthday"),
        pytest.param({"address": {"city": "New York"}}, "ct", "newyork", id="city"),
        pytest.param({"address": {"state": "CA"}}, "st", "ca", id="state"),
        pytest.param({"address": {"postalCode": "94035-1234"}}, "zp", "94035", id="ZIP+4"),
        pytest.param({"address": {"postalCode": "M1 1AE"}}, "zp", "m11ae", id="postcode"),
        pytest.param({"address": {"country": "US"}}, "country", "us", id="country"),
    ],
)
def test_what_identifies_a_person_is_normalized_and_hashed(
    traits: dict[str, Any], name: str, plain: str
) -> None:
    assert META.user(**traits)[name] == hashed(plain)


@pytest.mark.parametrize(
    "traits",
    [{"email": "n/a"}, {"phone": "030 901820"}, {"gender": "x"}, {"birthday": "soon"}, {"address": "Berlin"}],
)
def test_what_cannot_be_used_is_left_out(traits: dict[str, Any]) -> None:
    assert META.user(**traits).keys() == {
        "external_id",
        "client_ip_address",
        "client_user_agent",
        "fbp",
        "fbc",
    }


def test_a_phone_number_without_a_country_has_that_of_the_settings() -> None:
    context = {**META.browser, "traits": {"phone": "030 901820"}}

    found = META.data({"context": context}, phone_region="DE")["user_data"]

    assert found["ph"] == [hashed("4930901820")]


def test_hashed_values_pass_and_are_not_hashed_twice() -> None:
    value = hashed("user@example.com")

    assert META.user(email=value, phone=value, firstName=value, birthday=value)["em"] == [value]
    assert META.user(email=value, phone=value)["ph"] == [value]


def test_without_a_cookie_the_click_id_is_made_of_the_address() -> None:
    context = {"userAgent": "M", "page": {"url": "https://shop.example/?fbclid=AbC&x=1"}}

    found = META.data({"context": context})["user_data"]

    assert found["fbc"] == "fb.1.1767268800000.AbC"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param(
            {"userId": "", "context": {"userAgent": "M", "page": {"url": "https://a.example"}}},
            "weak_match",
            id="nothing that identifies a person",
        ),
        pytest.param({"context": {"userAgent": "M"}}, "missing_event_source_url", id="no page"),
        pytest.param(
            {"context": {"page": {"url": "https://a.example"}}}, "missing_client_user_agent", id="no agent"
        ),
        pytest.param(
            {"event": "Order Completed", "properties": {"total": 1}}, "missing_currency", id="no currency"
        ),
        pytest.param({"event": "Order Completed", "properties": {}}, "missing_value", id="no value"),
        pytest.param({"properties": {"currency": "Euro"}}, "invalid_currency", id="no currency code"),
        pytest.param({"timestamp": "2025-12-25T12:00:59.000Z"}, "too_old", id="over seven days old"),
        pytest.param({"timestamp": "2026-01-01T12:02:01.000Z"}, "in_future", id="over a minute ahead"),
    ],
)
def test_what_would_have_a_whole_request_refused_is_not_sent(fields: dict[str, Any], code: str) -> None:
    assert META.refusals(fields) == [code]


def test_a_shop_may_tell_what_is_older() -> None:
    old = {"timestamp": "2025-11-10T12:00:00.000Z", "context": {"traits": {"email": "a@example.com"}}}

    META.map(old, action_source="physical_store")


def test_the_id_of_the_pixel_comes_first() -> None:
    assert META.data({"properties": {"event_id": 77}})["event_id"] == "77"


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        pytest.param(200, b'{"events_received": 1}', "ok", id="received"),
        pytest.param(400, b'{"error": {"code": 190}}', "credentials", id="token"),
        pytest.param(400, b'{"error": {"code": 100, "error_subcode": 33}}', "credentials", id="pixel id"),
        pytest.param(400, b'{"error": {"code": 4}}', "retry", id="too many calls"),
        pytest.param(400, b'{"error": {"code": 99, "is_transient": true}}', "retry", id="transient"),
        pytest.param(500, b"", "retry", id="500"),
        pytest.param(400, b'{"error": {"code": 100, "error_subcode": 2804003}}', "unknown", id="too old"),
    ],
)
def test_answers_mean_what_metas_error_codes_say(status: int, error: bytes, kind: str) -> None:
    assert META.judge(status, error) == Verdict(kind)  # type: ignore[arg-type]
