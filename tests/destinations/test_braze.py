"""Braze: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import braze
from tests.destinations.commerce import EVENTS, ORDER, PRODUCT
from tests.destinations.trying import Vendor

BRAZE = Vendor("braze", braze.broken, endpoint="rest.fra-01.braze.eu", api_key="braze-key")
IDENTIFY = {"type": "identify", "event": ""}
ALIAS = {"alias_name": "a1", "alias_label": "anonymous_id"}


def item(mapped: Any, array: str = "events") -> dict[str, Any]:
    """Return the only item of the only request."""
    assert mapped.body.keys() == {array}
    [found] = mapped.body[array]
    assert isinstance(found, dict)
    return found


def test_an_order_is_the_recommended_event() -> None:
    mapped = BRAZE.map({"event": "Order Completed", "properties": ORDER}, app_id="app-1")

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == ("POST", "https://rest.fra-01.braze.eu/users/track")
    assert request.call.headers == {"Authorization": "Bearer braze-key", "X-Braze-Batch": "true"}
    product = {
        "product_id": "507f1f77",
        "product_name": "Monopoly",
        "variant_id": "200 pieces",
        "price": 18.99,
        "quantity": 1,
        "image_url": "https://shop.example/monopoly.jpg",
        "product_url": "https://shop.example/monopoly",
    }
    assert item(mapped) == {
        "external_id": "u1",
        "name": "ecommerce.order_placed",
        "app_id": "app-1",
        "time": "2026-01-01T12:00:00.000Z",
        "properties": {
            "order_id": "50314b8e",
            "currency": "USD",
            "total_value": 27.5,
            "total_discounts": 2.5,
            "source": "web",
            "products": [
                product,
                {**product, "product_id": "505bd76785", "product_name": "Uno", "price": 3},
            ],
        },
    }


def test_an_order_of_an_old_account_is_a_purchase_for_each_product() -> None:
    mapped = BRAZE.map({"event": "Order Completed", "properties": ORDER}, legacy_purchases="true")

    first, second = mapped.body["purchases"]
    assert first == {
        "external_id": "u1",
        "time": "2026-01-01T12:00:00.000Z",
        "product_id": "507f1f77",
        "currency": "USD",
        "price": 18.99,
        "quantity": 1,
        "properties": {
            "order_id": "50314b8e",
            **{
                key: value for key, value in PRODUCT.items() if key not in ("product_id", "price", "quantity")
            },
        },
    }
    assert (second["product_id"], second["price"]) == ("505bd76785", 3)


@pytest.mark.parametrize("legacy", ["true", "false"])
@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_braze_accepts(name: str, legacy: str) -> None:
    BRAZE.map({"event": name, "properties": EVENTS[name]}, legacy_purchases=legacy)


@pytest.mark.parametrize(
    ("name", "brazes"),
    [
        ("Product Viewed", "ecommerce.product_viewed"),
        ("Checkout Started", "ecommerce.checkout_started"),
        ("Order Cancelled", "ecommerce.order_cancelled"),
        ("Product Added", "Product Added"),
        ("Coupon Applied", "Coupon Applied"),
    ],
)
def test_an_event_has_the_name_of_braze(name: str, brazes: str) -> None:
    assert item(BRAZE.map({"event": name, "properties": EVENTS[name]}))["name"] == brazes


@pytest.mark.parametrize(("type", "name"), [("page", "Viewed Page"), ("screen", "Viewed Screen")])
def test_pages_and_screens_are_events(type: str, name: str) -> None:
    found = item(BRAZE.map({"type": type, "event": "", "name": "Home"}))

    assert (found["name"], found["properties"]) == (name, {"page_name": "Home"})


def test_a_person_has_attributes() -> None:
    traits = {
        "firstName": "Ann",
        "lastName": "Lee",
        "email": " Ann@Example.com",
        "phone": "030 901820",
        "gender": "Female",
        "birthday": "1990-05-21T23:00:00-05:00",
        "address": {"city": "Berlin", "country": "DE"},
        "email_subscribe": "opted_in",
        "plan": "pro",
    }
    context = {"locale": "de-DE", "timezone": "Europe/Berlin"}

    mapped = BRAZE.map({**IDENTIFY, "traits": traits, "context": context}, phone_region="DE")

    assert item(mapped, "attributes") == {
        "external_id": "u1",
        "first_name": "Ann",
        "last_name": "Lee",
        "email": "ann@example.com",
        "phone": "+4930901820",
        "gender": "F",
        "dob": "1990-05-21",
        "country": "DE",
        "home_city": "Berlin",
        "language": "de",
        "time_zone": "Europe/Berlin",
        "email_subscribe": "opted_in",
        "plan": "pro",
    }


def test_what_braze_cannot_write_to_is_left_out() -> None:
    traits = {"email": "a" * 64, "phone": "b" * 64, "birthday": "c" * 64, "gender": "d" * 64, "plan": "pro"}

    assert item(BRAZE.map({**IDENTIFY, "traits": traits}), "attributes").keys() == {"external_id", "plan"}


def test_a_trait_cannot_name_another_person() -> None:
    traits = {"external_id": "u2", "braze_id": "b2", "user_alias": {"alias_name": "x"}, "plan": "pro"}

    found = item(BRAZE.map({**IDENTIFY, "traits": traits}), "attributes")

    assert found == {"external_id": "u1", "plan": "pro"}


def test_an_anonymous_person_has_an_alias_until_a_user_id_is_known() -> None:
    anonymous = {"userId": "", "anonymousId": "a1"}
    mapped = BRAZE.map(anonymous, {**IDENTIFY, "anonymousId": "a1", "traits": {"plan": "pro"}})

    track, identify, attributes = (mapped.bodies[0], mapped.bodies[1], mapped.bodies[-1])
    assert track["events"][0]["user_alias"] == ALIAS
    assert track["events"][0]["_update_existing_only"] is False
    assert identify == {
        "merge_behavior": "merge",
        "aliases_to_identify": [{"external_id": "u1", "user_alias": ALIAS}],
    }
    assert attributes["attributes"] == [{"external_id": "u1", "plan": "pro"}]


def test_anonymous_people_can_be_left_out() -> None:
    program = BRAZE.program(anonymous_users="false")

    line = b'{"type": "track", "event": "E", "anonymousId": "a1"}'
    assert program.exclusion("track", "E", line) == "event"
    assert program.exclusion("track", "E", b'{"type": "track", "event": "E", "userId": "u1"}') is None
    assert program.exclusion("group", "", b"") == "type"


def test_an_alias_merges_two_people() -> None:
    mapped = BRAZE.map({"type": "alias", "event": "", "previousId": "u0"})

    assert mapped.requests[0].call.url == "https://rest.fra-01.braze.eu/users/merge"
    assert mapped.body == {
        "merge_updates": [
            {"identifier_to_merge": {"external_id": "u0"}, "identifier_to_keep": {"external_id": "u1"}}
        ]
    }


@pytest.mark.parametrize(
    ("fields", "settings", "code"),
    [
        pytest.param({"properties": {**ORDER, "order_id": ""}}, {}, "missing_order_id", id="order id"),
        pytest.param({"properties": {**ORDER, "products": []}}, {}, "missing_products", id="products"),
        pytest.param({"properties": {**ORDER, "currency": ""}}, {}, "missing_currency", id="currency"),
        pytest.param({"properties": {**ORDER, "currency": "Euro"}}, {}, "invalid_currency", id="no code"),
        pytest.param(
            {"properties": {**ORDER, "products": [{"sku": "s"}]}}, {}, "missing_price", id="no price"
        ),
        pytest.param(
            {"event": "Checkout Started", "properties": {**ORDER, "checkout_id": None}},
            {},
            "missing_checkout_id",
            id="no checkout id",
        ),
        pytest.param(
            {"properties": {**ORDER, "products": [{**PRODUCT, "quantity": 101}]}},
            {"legacy_purchases": "true"},
            "invalid_quantity",
            id="101 of a product",
        ),
        pytest.param({"event": "e" * 256}, {}, "event_name_too_long", id="256 characters"),
        pytest.param({"event": ""}, {}, "missing_name", id="no name"),
        pytest.param(
            {"event": "E", "properties": {"$p": 1}}, {}, "invalid_property_name", id="name with a $"
        ),
        pytest.param(
            {"event": "E", "properties": {"p": ["x" * 100] * 600}}, {}, "too_large", id="over 50 KB"
        ),
        pytest.param(
            {**IDENTIFY, "traits": {"$p": 1}}, {}, "invalid_attribute_name", id="attribute with a $"
        ),
        pytest.param({**IDENTIFY, "traits": {"email": "n/a"}}, {}, "empty_attributes", id="no attribute"),
        pytest.param({"type": "alias", "event": ""}, {}, "missing_identifier_to_merge", id="no previous id"),
    ],
)
def test_what_braze_would_refuse_is_not_sent(
    fields: dict[str, Any], settings: dict[str, Any], code: str
) -> None:
    mapped = BRAZE.map({"event": "Order Completed", **fields}, **settings)

    assert (mapped.codes, mapped.requests) == ([code], [])


def test_a_request_has_at_most_75_items_of_all_kinds() -> None:
    mapped = BRAZE.map(*[{}, {**IDENTIFY, "traits": {"plan": "pro"}}] * 40)

    assert [{name: len(items) for name, items in body.items()} for body in mapped.bodies] == [
        {"events": 38, "attributes": 37},
        {"attributes": 3, "events": 2},
    ]


def test_errors_name_the_item_by_its_array_and_its_index() -> None:
    answers = BRAZE.program().calls["send"].answers
    said = b'{"message": "success", "errors": [{"type": "bad", "input_array": "purchases", "index": 1}]}'

    assert answers.judge(201, said) == Verdict("refused", {("purchases", 1): "bad"}, stored=True)
    [request] = BRAZE.map({"event": "Order Completed", "properties": ORDER}, legacy_purchases="true").requests
    assert request.events["purchases", 1] == 0


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (201, b'{"message": "success", "events_processed": 1}', "ok"),
        (401, b'{"message": "Invalid API Key"}', "credentials"),
        (429, b'{"message": "slow"}', "retry"),
        (400, b'{"message": "bad"}', "unknown"),
    ],
)
def test_answers_mean_what_brazes_documents_say(status: int, body: bytes, kind: str) -> None:
    answers = BRAZE.program().calls["send"].answers

    assert answers.judge(status, body).kind == kind
    assert answers.retry_after == "X-Ratelimit-Retry-After"
