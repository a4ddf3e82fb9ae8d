"""Klaviyo: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import klaviyo
from tests.destinations.commerce import EVENTS, ORDER, PRODUCT
from tests.destinations.trying import NOW, Vendor

KLAVIYO = Vendor("klaviyo", klaviyo.broken, api_key="pk_secret")


def entries(mapped: Any) -> list[dict[str, Any]]:
    """Return the attributes of each entry of the only job."""
    [body] = mapped.bodies
    return [each["attributes"] for each in body["data"]["attributes"]["events-bulk-create"]["data"]]


def events(mapped: Any) -> list[dict[str, Any]]:
    return [event["attributes"] for each in entries(mapped) for event in each["events"]["data"]]


def metrics(mapped: Any) -> list[str]:
    return [each["metric"]["data"]["attributes"]["name"] for each in events(mapped)]


def person(mapped: Any) -> Any:
    return entries(mapped)[0]["profile"]["data"]["attributes"]


def test_an_order_is_a_placed_order_and_an_ordered_product_for_each_product() -> None:
    mapped = KLAVIYO.map(
        {
            "event": "Order Completed",
            "properties": ORDER,
            "context": {"traits": {"email": " Ann@Example.com"}},
        }
    )

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == (
        "POST",
        "https://a.klaviyo.com/api/event-bulk-create-jobs",
    )
    assert request.call.headers == {
        "Authorization": "Klaviyo-API-Key pk_secret",
        "revision": "2026-04-15",
        "Accept": "application/vnd.api+json",
        "Content-Type": "application/vnd.api+json",
    }
    assert person(mapped) == {"email": "ann@example.com", "external_id": "u1"}
    assert metrics(mapped) == ["Placed Order", "Ordered Product", "Ordered Product"]
    placed, monopoly, uno = events(mapped)
    assert placed == {
        "unique_id": "50314b8e",
        "time": "2026-01-01T12:00:00.000Z",
        "value": 27.5,
        "value_currency": "USD",
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "properties": ORDER,
    }
    assert (monopoly["unique_id"], monopoly["value"]) == ("50314b8e_G-32_200 pieces_3", 18.99)
    assert monopoly["properties"] == {**PRODUCT, "order_id": "50314b8e"}
    assert (uno["unique_id"], uno["value"]) == ("50314b8e_46493_200 pieces_2", 3)


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_klaviyo_accepts(name: str) -> None:
    KLAVIYO.map({"event": name, "properties": EVENTS[name]})


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("Product Viewed", "Viewed Product"),
        ("Product Added", "Added to Cart"),
        ("Checkout Started", "Started Checkout"),
        ("Order Cancelled", "Cancelled Order"),
        ("Order Refunded", "Refunded Order"),
        ("Coupon Applied", "Coupon Applied"),
    ],
)
def test_an_event_has_the_name_of_a_metric(name: str, metric: str) -> None:
    assert metrics(KLAVIYO.map({"event": name, "properties": EVENTS[name]})) == [metric]


@pytest.mark.parametrize(("type", "metric"), [("page", "Viewed Page"), ("screen", "Viewed Screen")])
def test_pages_and_screens_are_metrics(type: str, metric: str) -> None:
    mapped = KLAVIYO.map(
        {"type": type, "event": "", "name": "Home", "context": {"page": {"url": "https://a.example/"}}}
    )

    assert metrics(mapped) == [metric]
    assert events(mapped)[0]["properties"] == {"page_name": "Home", "page_url": "https://a.example/"}


def test_an_event_without_properties_has_the_empty_object_that_klaviyo_requires() -> None:
    assert events(KLAVIYO.map({}))[0]["properties"] == {}


def test_a_person_is_a_profile() -> None:
    traits = {
        "email": "ann@example.com",
        "phone": "030 901820",
        "firstName": "Ann",
        "lastName": "Lee",
        "company": {"name": "Acme"},
        "title": "CEO",
        "address": {"street": "Hauptstr. 1", "city": "Berlin", "postalCode": 10115, "country": "DE"},
        "plan": "pro",
        "tags": ["a"],
    }

    mapped = KLAVIYO.map(
        {"type": "identify", "event": "", "anonymousId": "a1", "traits": traits}, phone_region="DE"
    )

    assert mapped.requests[0].call.url == "https://a.klaviyo.com/api/profile-import"
    assert mapped.body == {
        "data": {
            "type": "profile",
            "attributes": {
                "email": "ann@example.com",
                "phone_number": "+4930901820",
                "external_id": "u1",
                "anonymous_id": "a1",
                "first_name": "Ann",
                "last_name": "Lee",
                "organization": "Acme",
                "title": "CEO",
                "location": {"address1": "Hauptstr. 1", "city": "Berlin", "zip": "10115", "country": "DE"},
                "properties": {"plan": "pro", "tags": ["a"]},
            },
        }
    }


@pytest.mark.parametrize("type", ["group", "alias"])
def test_types_without_a_rule_are_filtered(type: str) -> None:
    assert KLAVIYO.program().exclusion(type, "", b"") == "type"


@pytest.mark.parametrize(
    "traits",
    [
        pytest.param({"phone": "+999123456789"}, id="no country has the prefix"),
        pytest.param({"phone": "+1 202 5550"}, id="too short for its country"),
        pytest.param({"phone": "a" * 64}, id="hashed phone"),
        pytest.param({"email": "b" * 64}, id="hashed e-mail"),
        pytest.param({"email": "n/a"}, id="no address"),
    ],
)
def test_what_would_have_a_profile_refused_is_left_out(traits: dict[str, Any]) -> None:
    assert person(KLAVIYO.map({"context": {"traits": traits}})) == {"external_id": "u1"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"userId": "u" * 256}, "external_id_too_long", id="id of 256 characters"),
        pytest.param({"event": "e" * 128}, "event_name_too_long", id="name of 128 characters"),
        pytest.param({"event": ""}, "missing_name", id="no name"),
        pytest.param({"properties": {"currency": "Euro"}}, "invalid_currency", id="no currency code"),
        pytest.param({"properties": {f"p{n}": n for n in range(401)}}, "too_many_properties", id="401"),
        pytest.param({"timestamp": "1999-12-31T23:59:59.000Z"}, "before_2000", id="before 2000"),
        pytest.param({"timestamp": "2027-01-02T12:00:00.000Z"}, "in_future", id="over a year ahead"),
    ],
)
def test_what_would_have_a_whole_job_refused_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = KLAVIYO.map(fields, {})

    assert mapped.codes == [code]
    assert [each["unique_id"] for each in events(mapped)] == ["m1"]


def test_an_id_of_255_characters_is_not_too_long() -> None:
    assert person(KLAVIYO.map({"userId": "u" * 255}))["external_id"] == "u" * 255


def test_settings_choose_value_currency_and_backfill() -> None:
    order = {key: value for key, value in ORDER.items() if key != "currency"}

    mapped = KLAVIYO.map(
        {"event": "Order Completed", "properties": order}, value="revenue", currency="CHF", backfill="true"
    )

    assert (events(mapped)[0]["value"], events(mapped)[0]["value_currency"]) == (25.0, "CHF")
    assert [each["backfill"] for each in entries(mapped)] == [True, True, True]


def test_a_job_has_at_most_1000_events() -> None:
    mapped = KLAVIYO.map(*[{"event": "Order Completed", "properties": ORDER}] * 334)

    sizes = [len(body["data"]["attributes"]["events-bulk-create"]["data"]) for body in mapped.bodies]
    assert sizes == [1000, 2]


def test_the_events_and_the_profile_of_a_person_are_sent_in_their_order() -> None:
    mapped = KLAVIYO.map({"type": "identify", "event": "", "traits": {"plan": "pro"}}, {})

    assert [request.call.name for request in mapped.requests] == ["send", "events"]


def test_long_texts_are_cut() -> None:
    mapped = KLAVIYO.map({"properties": {"html": "x" * 100_001, "n": 1}}, now=NOW)

    assert len(events(mapped)[0]["properties"]["html"]) == 100_000


@pytest.mark.parametrize(
    ("call", "status", "body", "verdict"),
    [
        pytest.param("events", 202, b"", Verdict("ok"), id="accepted"),
        pytest.param(
            "events",
            400,
            b'{"errors": [{"detail": "bad phone", "source": {"pointer":'
            b' "/data/attributes/events-bulk-create/data/1/attributes/profile"}}]}',
            Verdict("refused", {("", 1): "bad phone"}),
            id="one of them is refused, and with it all",
        ),
        pytest.param(
            "events", 400, b'{"errors": [{"detail": "no"}]}', Verdict("refused"), id="none is named"
        ),
        pytest.param("events", 401, b'{"errors": [{}]}', Verdict("credentials"), id="key"),
        pytest.param("events", 429, b'{"errors": [{}]}', Verdict("retry"), id="too many requests"),
        pytest.param("send", 201, b"{}", Verdict("ok"), id="profile created"),
        pytest.param("send", 409, b'{"errors": [{}]}', Verdict("unknown"), id="two people in one profile"),
    ],
)
def test_answers_mean_what_klaviyos_documents_say(
    call: str, status: int, body: bytes, verdict: Verdict
) -> None:
    assert KLAVIYO.judge(status, body, call) == verdict


def test_two_lines_of_an_order_with_the_same_product_are_told_apart() -> None:
    lines = [{"sku": "G-32", "position": 1}, {"sku": "G-32", "position": 2}]

    mapped = KLAVIYO.map({"event": "Order Completed", "properties": {**ORDER, "products": lines}})

    assert [each["unique_id"] for each in events(mapped)] == [
        "50314b8e",
        "50314b8e_G-32_1",
        "50314b8e_G-32_2",
    ]
