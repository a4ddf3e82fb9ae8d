"""TikTok's Events API: requests as its documents want them, written by hand from these."""

from hashlib import sha256
from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import tiktok
from tests.destinations.commerce import EVENTS, ORDER, PRODUCT
from tests.destinations.trying import Mapped, Vendor, members

TIKTOK = Vendor("tiktok", tiktok.broken, event_source_id="COQDA8RC", access_token="tiktok-token")
BROWSER = {
    "ip": "192.0.2.1",
    "userAgent": "Mozilla/5.0",
    "locale": "de-DE",
    "page": {"url": "https://shop.example/a?ttclid=E.C.P.x", "referrer": "https://g.example/"},
    "cookies": {"_ttp": "2F7h37"},
}


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def data(mapped: Mapped) -> dict[str, Any]:
    [found] = mapped.body["data"]
    assert isinstance(found, dict)
    return found


def user(**traits: Any) -> dict[str, Any]:
    """Return the user of a person with traits."""
    found = data(TIKTOK.map({"event": "E", "context": {**BROWSER, "traits": traits}}))["user"]
    assert isinstance(found, dict)
    return found


def test_an_order_is_a_purchase() -> None:
    order = {"event": "Order Completed", "anonymousId": "a1", "properties": ORDER, "context": BROWSER}

    mapped = TIKTOK.map(order)

    [request] = mapped.requests
    assert request.call.headers == {"Access-Token": "tiktok-token"}
    assert mapped.body == {
        "event_source": "web",
        "event_source_id": "COQDA8RC",
        "data": [
            {
                "event": "Purchase",
                "event_time": 1767268800,
                "event_id": "m0",
                "page": {"url": "https://shop.example/a?ttclid=E.C.P.x", "referrer": "https://g.example/"},
                "user": {
                    "external_id": [hashed("u1"), hashed("a1")],
                    "ip": "192.0.2.1",
                    "user_agent": "Mozilla/5.0",
                    "locale": "de-DE",
                    "ttclid": "E.C.P.x",
                    "ttp": "2F7h37",
                },
                "properties": {
                    "value": 25.0,
                    "currency": "USD",
                    "order_id": "50314b8e",
                    "contents": [
                        {
                            "content_id": "507f1f77",
                            "content_name": "Monopoly",
                            "content_category": "Games",
                            "brand": "Hasbro",
                            "quantity": 1,
                            "price": 18.99,
                        },
                        {
                            "content_id": "505bd76785",
                            "content_name": "Uno",
                            "content_category": "Games",
                            "brand": "Hasbro",
                            "quantity": 1,
                            "price": 3,
                        },
                    ],
                    "content_ids": ["507f1f77", "505bd76785"],
                    "content_type": "product",
                    "num_items": 2,
                },
            }
        ],
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_tiktok_accepts(name: str) -> None:
    TIKTOK.map({"event": name, "properties": EVENTS[name], "context": BROWSER})


@pytest.mark.parametrize(
    ("name", "tiktoks"),
    [
        ("Products Searched", "Search"),
        ("Product Clicked", "ClickButton"),
        ("Product Viewed", "ViewContent"),
        ("Product Added", "AddToCart"),
        ("Product Added to Wishlist", "AddToWishlist"),
        ("Checkout Started", "InitiateCheckout"),
        ("Payment Info Entered", "AddPaymentInfo"),
        ("Coupon Applied", "Coupon Applied"),
    ],
)
def test_an_event_has_the_name_of_tiktok(name: str, tiktoks: str) -> None:
    found = data(TIKTOK.map({"event": name, "properties": EVENTS[name], "context": BROWSER}))

    assert found["event"] == tiktoks


def test_an_order_has_the_name_that_the_pixel_sends() -> None:
    order = {"event": "Order Completed", "properties": ORDER, "context": BROWSER}

    assert data(TIKTOK.map(order, purchase_event="CompletePayment"))["event"] == "CompletePayment"


def test_a_page_is_a_page_view() -> None:
    assert data(TIKTOK.map({"type": "page", "event": "", "context": BROWSER}))["event"] == "PageView"


@pytest.mark.parametrize("type", ["identify", "group", "alias", "screen"])
def test_types_without_a_rule_are_filtered(type: str) -> None:
    assert TIKTOK.program().exclusion(type, "", b"") == "type"


def test_a_custom_event_says_nothing_of_products() -> None:
    found = data(TIKTOK.map({"event": "Quiz Won", "properties": {"score": 3}, "context": BROWSER}))

    assert "properties" not in found


def test_a_value_of_nothing_is_a_value() -> None:
    properties = {"revenue": 0, "currency": "EUR"}

    found = data(TIKTOK.map({"event": "Order Completed", "properties": properties, "context": BROWSER}))

    assert found["properties"] == {"value": 0, "currency": "EUR"}


def test_the_product_of_an_event_is_a_list_of_one() -> None:
    added = {"event": "Product Added", "properties": {**PRODUCT, "quantity": 2}, "context": BROWSER}

    properties = data(TIKTOK.map(added))["properties"]

    assert (properties["value"], properties["content_ids"]) == (37.98, ["507f1f77"])
    assert [content["quantity"] for content in properties["contents"]] == [2]


# The vectors of TikTok's documents.
@pytest.mark.parametrize(
    ("traits", "name", "start"),
    [
        pytest.param({"email": " Alice_ABC@gmail.com"}, "email", "848a77145843", id="email"),
        pytest.param({"phone": "+1 (213) 373-4253"}, "phone", "9f7ec22d7209", id="phone with a plus"),
    ],
)
def test_hashes_are_those_of_tiktoks_documents(traits: dict[str, Any], name: str, start: str) -> None:
    [found] = user(**traits)[name]

    assert found.startswith(start)


def test_an_id_is_hashed_as_in_tiktoks_documents() -> None:
    found = data(TIKTOK.map({"userId": "user_123", "context": BROWSER}))["user"]

    assert [each[:12] for each in found["external_id"]] == ["80fba0ae1c48"]


def test_hashed_values_are_not_hashed_twice() -> None:
    value = hashed("a@example.com")

    assert user(email=value)["email"] == [value]


def test_the_place_of_a_person_is_plain_and_the_rest_hashed() -> None:
    address = {"city": "New York", "state": "NY", "country": "US", "postalCode": "94035-1234"}

    found = user(firstName="Van Dyke", lastName="Lee", address=address)

    place = {"city": "newyork", "state": "ny", "country": "us"}
    assert {name: found[name] for name in place} == place
    assert found["zip_code"] == hashed("94035")
    assert (found["first_name"], found["last_name"]) == (hashed("vandyke"), hashed("lee"))


@pytest.mark.parametrize(
    "traits",
    [
        pytest.param({"email": "n/a"}, id="no address"),
        pytest.param({"phone": "030 901820"}, id="no country code"),
        pytest.param({"address": {"city": "Köln"}}, id="other letters"),
        pytest.param({"address": {"country": hashed("de")}}, id="a hashed country"),
    ],
)
def test_what_cannot_be_used_is_left_out(traits: dict[str, Any]) -> None:
    assert user(**traits).keys() == {"external_id", "ip", "user_agent", "locale", "ttclid", "ttp"}


def test_nothing_that_must_be_hashed_leaves_in_plain_text() -> None:
    traits = {"email": "ann@example.com", "phone": "+4930901820", "firstName": "Ann", "lastName": "Lee"}
    mapped = TIKTOK.map({"event": "Signed Up", "context": {**BROWSER, "traits": traits}})

    sent = {str(value).lower() for _, value in members(mapped.body)}

    assert sent.isdisjoint(("ann@example.com", "+4930901820", "ann", "lee", "u1"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"context": {"ip": "192.0.2.1"}}, "missing_page_url", id="no page"),
        pytest.param({"properties": {"currency": "Euro"}}, "invalid_currency", id="no currency code"),
        pytest.param({"event": "Order Completed", "properties": {"total": 1}}, "missing_currency", id="none"),
        pytest.param({"event": "Order Completed"}, "missing_value", id="no value"),
        pytest.param({"event": ""}, "missing_event", id="no name"),
    ],
)
def test_what_would_have_a_whole_request_refused_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = TIKTOK.map({"context": BROWSER, **fields}, {"context": BROWSER})

    assert mapped.codes == [code]
    assert [event["event_id"] for event in mapped.bodies[0]["data"]] == ["m1"]


def test_a_server_names_the_page_by_a_setting() -> None:
    assert data(TIKTOK.map({}, page_url="https://a.example/"))["page"] == {"url": "https://a.example/"}


def test_an_event_of_a_shop_needs_no_page() -> None:
    assert "page" not in data(TIKTOK.map({}, event_source="offline"))


@pytest.mark.parametrize(
    ("type", "name"), [pytest.param("ios", "idfa", id="iOS"), pytest.param("Android", "gaid", id="Android")]
)
def test_an_app_says_which_device_it_is_on(type: str, name: str) -> None:
    context = {"device": {"type": type, "advertisingId": "7A3CBEA0"}}

    assert data(TIKTOK.map({"context": context}, event_source="app"))["user"][name] == "7A3CBEA0"


@pytest.mark.parametrize(
    ("settings", "granted", "limited"),
    [
        pytest.param({"limited_data_use": "true"}, True, True, id="always"),
        pytest.param({"limited_data_use_consent": "Ads"}, False, True, id="denied"),
        pytest.param({"limited_data_use_consent": "Ads"}, True, None, id="granted"),
        pytest.param({}, False, None, id="no setting"),
    ],
)
def test_data_use_is_limited_by_settings(settings: dict[str, Any], granted: bool, limited: Any) -> None:
    consent = {"categoryPreferences": {"Ads": granted}}

    found = data(TIKTOK.map({"context": {**BROWSER, "consent": consent}}, **settings))

    assert found.get("limited_data_use") is limited


def test_a_test_code_is_a_member_of_the_request() -> None:
    assert TIKTOK.map({"context": BROWSER}, test_event_code="T1").body["test_event_code"] == "T1"


def test_a_request_has_at_most_1000_events() -> None:
    mapped = TIKTOK.map(*[{"context": BROWSER}] * 1001)

    assert [len(body["data"]) for body in mapped.bodies] == [1000, 1]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(200, b'{"code": 0, "message": "OK"}', "ok", id="received"),
        pytest.param(200, b'{"code": 40002, "message": "Invalid"}', "refused", id="invalid"),
        pytest.param(200, b'{"code": 40001}', "credentials", id="no permission"),
        pytest.param(200, b'{"code": 40105}', "credentials", id="token"),
        pytest.param(200, b'{"code": 40100}', "retry", id="too frequent"),
        pytest.param(200, b"<html>", "refused", id="no JSON"),
        pytest.param(503, b"", "retry", id="503"),
    ],
)
def test_the_code_of_an_answer_counts_and_not_its_status(status: int, body: bytes, kind: str) -> None:
    assert TIKTOK.program().calls["send"].answers.judge(status, body) == Verdict(kind)  # type: ignore[arg-type]
