"""What the documents of all vendors of ads say."""

from typing import Any

import pytest

from tests.destinations.ads import ADS, META, SNAP, TIKTOK, Ads
from tests.destinations.commerce import EVENTS
from tests.destinations.trying import hashed, members

every_vendor = pytest.mark.parametrize("vendor", [pytest.param(vendor, id=vendor.name) for vendor in ADS])
OPTIONS = {
    "data_processing_options": ["LDU"],
    "data_processing_options_country": 0,
    "data_processing_options_state": 0,
}


@every_vendor
@pytest.mark.parametrize("name", EVENTS)
def test_an_e_commerce_event_is_one_that_the_vendor_accepts_or_has_no_name_for(
    vendor: Ads, name: str
) -> None:
    if name in vendor.sent:
        vendor.data({"event": name, "properties": EVENTS[name]})
    else:
        assert vendor.program().exclusion("track", name, b"") == "event"


@pytest.mark.parametrize(
    ("vendor", "name", "theirs"),
    [
        pytest.param(vendor, name, theirs, id=f"{vendor.name}: {name}")
        for vendor in ADS
        for name, theirs in vendor.names.items()
    ],
)
def test_an_event_has_the_name_of_the_vendor(vendor: Ads, name: str, theirs: str) -> None:
    assert vendor.data({"event": name, "properties": EVENTS[name]})[vendor.name_member] == theirs


@every_vendor
def test_a_page_has_the_name_of_the_vendor(vendor: Ads) -> None:
    assert vendor.data({"type": "page", "event": ""})[vendor.name_member] == vendor.page


@every_vendor
@pytest.mark.parametrize("type", ["identify", "group", "alias", "screen"])
def test_types_without_a_rule_are_filtered(vendor: Ads, type: str) -> None:
    assert vendor.program().exclusion(type, "", b"") == "type"


@every_vendor
def test_hashed_values_are_not_hashed_twice(vendor: Ads) -> None:
    value = hashed("a@example.com")

    assert vendor.user(email=value, lastName=value)[vendor.email_member] == [value]


@every_vendor
def test_nothing_that_must_be_hashed_leaves_in_plain_text(vendor: Ads) -> None:
    traits = {
        "email": "ann@example.com",
        "phone": "+4930901820",
        "firstName": "Ann",
        "lastName": "Lee",
        "birthday": "1990-05-21",
        "address": {"city": "Berlin", "postalCode": "10115", "country": "DE"},
    }
    person = {"event": "Signed Up", "context": {**vendor.browser, "traits": traits}}

    sent = {str(value).lower() for _, value in members(vendor.data(person))}

    plain = {"ann@example.com", "4930901820", "+4930901820", "ann", "lee", "19900521", "10115", "u1"}
    assert sent.isdisjoint(plain)
    assert (vendor is TIKTOK) is not sent.isdisjoint({"berlin", "de"})  # which wants these in plain text


@every_vendor
def test_a_request_has_as_many_events_as_the_vendor_takes(vendor: Ads) -> None:
    mapped = vendor.map(*[vendor.visit({})] * (vendor.most + 1))

    assert [len(body["data"]) for body in mapped.bodies] == [vendor.most, 1]


@pytest.mark.parametrize(
    ("vendor", "limited"),
    [
        pytest.param(META, OPTIONS, id="meta"),
        pytest.param(SNAP, OPTIONS, id="snap"),
        pytest.param(TIKTOK, {"limited_data_use": True}, id="tiktok"),
    ],
)
@pytest.mark.parametrize(
    ("settings", "granted", "is_limited"),
    [
        pytest.param({"limited_data_use": "true"}, True, True, id="always"),
        pytest.param({"limited_data_use_consent": "Ads"}, False, True, id="denied"),
        pytest.param({"limited_data_use_consent": "Ads"}, True, False, id="granted"),
        pytest.param({}, False, False, id="no setting"),
    ],
)
def test_data_use_is_limited_by_settings(
    vendor: Ads, limited: dict[str, Any], settings: dict[str, str], granted: bool, is_limited: bool
) -> None:
    consent = {"categoryPreferences": {"Ads": granted}}

    found = vendor.data({"context": {**vendor.browser, "consent": consent}}, **settings)

    assert {name: found[name] for name in limited if name in found} == (limited if is_limited else {})


@pytest.mark.parametrize(
    ("vendor", "member", "page"),
    [
        pytest.param(META, "event_source_url", "https://shop.example/", id="meta"),
        pytest.param(SNAP, "event_source_url", "https://shop.example/", id="snap"),
        pytest.param(TIKTOK, "page", {"url": "https://shop.example/"}, id="tiktok"),
    ],
)
def test_a_server_names_the_page_by_a_setting(vendor: Ads, member: str, page: Any) -> None:
    server = {"context": {"userAgent": "M", "traits": {"email": "ann@example.com"}}}

    assert vendor.data(server, page_url="https://shop.example/")[member] == page


@pytest.mark.parametrize(
    ("vendor", "settings", "member"),
    [
        pytest.param(SNAP, {"action_source": "OFFLINE"}, "event_source_url", id="snap"),
        pytest.param(TIKTOK, {"event_source": "offline"}, "page", id="tiktok"),
    ],
)
def test_an_event_of_a_shop_needs_no_page(vendor: Ads, settings: dict[str, str], member: str) -> None:
    assert member not in vendor.data({"context": {"traits": {"email": "a@example.com"}}}, **settings)


@pytest.mark.parametrize("vendor", [META, TIKTOK], ids=["meta", "tiktok"])
def test_a_test_code_is_a_member_of_the_request(vendor: Ads) -> None:
    assert vendor.map(vendor.visit({}), test_event_code="T1").body["test_event_code"] == "T1"
