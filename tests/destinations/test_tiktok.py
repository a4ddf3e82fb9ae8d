"""TikTok's Events API: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations.ads import TIKTOK
from tests.destinations.commerce import ORDER, PRODUCT
from tests.destinations.trying import hashed


def test_an_order_is_a_purchase() -> None:
    order = {"event": "Order Completed", "anonymousId": "a1", "properties": ORDER}

    mapped = TIKTOK.map(TIKTOK.visit(order))

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


def test_an_order_has_the_name_that_the_pixel_sends() -> None:
    order = {"event": "Order Completed", "properties": ORDER}

    assert TIKTOK.data(order, purchase_event="CompletePayment")["event"] == "CompletePayment"


def test_a_custom_event_says_nothing_of_products() -> None:
    found = TIKTOK.data({"event": "Quiz Won", "properties": {"score": 3}})

    assert "properties" not in found


def test_a_value_of_nothing_is_a_value() -> None:
    properties = {"revenue": 0, "currency": "EUR"}

    found = TIKTOK.data({"event": "Order Completed", "properties": properties})

    assert found["properties"] == {"value": 0, "currency": "EUR"}


def test_the_product_of_an_event_is_a_list_of_one() -> None:
    added = {"event": "Product Added", "properties": {**PRODUCT, "quantity": 2}}

    properties = TIKTOK.data(added)["properties"]

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
    [found] = TIKTOK.user(**traits)[name]

    assert found.startswith(start)


def test_an_id_is_hashed_as_in_tiktoks_documents() -> None:
    found = TIKTOK.data({"userId": "user_123"})["user"]

    assert [each[:12] for each in found["external_id"]] == ["80fba0ae1c48"]


def test_the_place_of_a_person_is_plain_and_the_rest_hashed() -> None:
    address = {"city": "New York", "state": "NY", "country": "US", "postalCode": "94035-1234"}

    found = TIKTOK.user(firstName="Van Dyke", lastName="Lee", address=address)

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
    assert TIKTOK.user(**traits).keys() == {"external_id", "ip", "user_agent", "locale", "ttclid", "ttp"}


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
    assert TIKTOK.refusals(fields) == [code]


@pytest.mark.parametrize(
    ("type", "name"), [pytest.param("ios", "idfa", id="iOS"), pytest.param("Android", "gaid", id="Android")]
)
def test_an_app_says_which_device_it_is_on(type: str, name: str) -> None:
    context = {"device": {"type": type, "advertisingId": "7A3CBEA0"}}

    assert TIKTOK.data({"context": context}, event_source="app")["user"][name] == "7A3CBEA0"


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
    assert TIKTOK.judge(status, body) == Verdict(kind)  # type: ignore[arg-type]
