"""The same person at every vendor: by cookies, click ids, e-mail addresses and telephone numbers."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from gateway.config.secret import Secret
from gateway.delivery.route import Route
from gateway.destinations import settings as settings_of
from gateway.destinations import vendor as vendors
from gateway.destinations.planning import plan
from gateway.destinations.program import Program
from gateway.sinks.destination import Destination
from gateway.sources import Source
from tests.build import Door, event_line, to_json
from tests.destinations.commerce import ORDER
from tests.destinations.trying import NOW, hashed, members

BROWSER = {"ip": "192.0.2.1", "userAgent": "M", "page": {"url": "https://shop.example/"}}
EMAILS = [
    "ann.lee@example.com",
    "Ann.Lee@Example.COM",
    "  ann.lee@example.com ",
    "\tANN.LEE@EXAMPLE.COM\r\n",
    "\u00a0ann.lee@example.com\u3000",
]
PHONES = {
    "+4930901820": "+49 (0)30 901820",
    "+16505551212": "+1 (650) 555-1212",
    "+442079460958": "0044 20 7946 0958",
    "+33140205050": "+33 1 40 20 50 50",
    "+390669812345": "+39 06 698 12345",
    "+5511961234567": "+55 (11) 96123-4567",
    "+919876543210": "+91-98765-43210",
    "+81332249999": "0081 3-3224-9999",
    "+61412345678": "+61.412.345.678",
    "+74951234567": " +7 495 123-45-67",
}
"""Telephone numbers of ten countries in E.164, and as people write them."""


def plain(text: str) -> str:
    return text


def digits(text: str) -> str:
    return hashed(text.removeprefix("+"))


class Forms(NamedTuple):
    """What becomes of an address and of a number in E.164."""

    email: Callable[[str], str]
    phone: Callable[[str], str]


FORMS = {
    "ga4": Forms(hashed, hashed),
    "meta": Forms(hashed, digits),
    "tiktok": Forms(hashed, hashed),
    "pinterest": Forms(hashed, digits),
    "snap": Forms(hashed, digits),
    "klaviyo": Forms(plain, plain),
    "braze": Forms(plain, plain),
    "hubspot": Forms(plain, plain),
}
WRITERS = [name for name in FORMS if FORMS[name].email is plain]
"""Vendors that write to people, and have no use for a hash."""

every_form = pytest.mark.parametrize("name", [name for name in vendors.names() if name in FORMS])
every_vendor = pytest.mark.parametrize("name", vendors.names())


def made_up(name: str) -> dict[str, str]:
    """Return a value for each setting that must be given."""
    known, _ = settings_of.read_settings(vendors.built_in(name).table["settings"])
    return {key: "1" for key, each in known.items() if each.default is None}


def sent(name: str, *events: dict[str, Any], **settings: str) -> list[tuple[str, Any]]:
    """Return all values, with their paths, in the requests that events become."""
    lines = [event_line(number, **event) for number, event in enumerate(events)]
    planned = plan(Program(vendors.built_in(name), made_up(name) | settings), lines, 8, NOW)
    assert (planned.refused, planned.failed) == ({}, {})
    bodies = [json.loads(request.body) for lane in planned.lanes for request in lane]
    return [each for body in bodies for each in members(body)]


def known(traits: dict[str, str], name: str) -> dict[str, Any]:
    """Return an event of a vendor that says who a person is."""
    if name == "braze":
        return {"type": "identify", "event": "", "traits": {**traits, "plan": "pro"}}
    if name == "hubspot":
        traits = {"email": "x@example.com", **traits, "firstName": "Ann"}
        return {"type": "identify", "event": "", "traits": traits}
    return {"event": "Order Completed", "properties": ORDER, "context": {**BROWSER, "traits": traits}}


@every_form
def test_an_address_is_the_same_however_it_is_written(name: str) -> None:
    expected = FORMS[name].email("ann.lee@example.com")

    for spelling in EMAILS:
        assert expected in [value for _, value in sent(name, known({"email": spelling}, name))]


@every_form
def test_the_telephone_numbers_of_ten_countries_are_the_same_however_they_are_written(name: str) -> None:
    events = [
        {**known({"phone": written, "email": f"p{n}@example.com"}, name), "userId": f"u{n}"}
        for n, written in enumerate(PHONES.values())
    ]

    found = {str(value) for _, value in sent(name, *events)}

    assert {FORMS[name].phone(number) for number in PHONES} <= found


@every_form
def test_a_number_without_its_country_is_one_of_the_country_in_the_settings(name: str) -> None:
    event = known({"phone": "030 901820"}, name)

    assert FORMS[name].phone("+4930901820") in [v for _, v in sent(name, event, phone_region="DE")]
    assert FORMS[name].phone("+4930901820") not in [v for _, v in sent(name, event)]


@every_form
def test_what_is_hashed_already_is_not_hashed_again_nor_written_to(name: str) -> None:
    email, phone = hashed("ann.lee@example.com"), hashed("+4930901820")
    traits = {"phone": phone} if name == "hubspot" else {"email": email.upper(), "phone": phone}

    found = {str(value).lower() for _, value in sent(name, known(traits, name))}

    if name in WRITERS:
        assert found.isdisjoint({email, phone, hashed(email), hashed(phone)})
    else:
        assert {email, phone} <= found


IDS: list[tuple[str, str, str]] = [
    ("ga4", "client_id", "1234567890.1700000000"),
    ("ga4", "events.params.session_id", "1767268000"),
    ("meta", "data.user_data.fbp", "fb.1.1596403881668.1098115397"),
    ("meta", "data.user_data.fbc", "fb.1.1554763741205.AbCdEf"),
    ("tiktok", "data.user.ttclid", "E.C.P/1+"),
    ("tiktok", "data.user.ttp", "2ttp"),
    ("pinterest", "data.user_data.click_id", "dj0y"),
    ("snap", "data.user_data.sc_click_id", "sc-1"),
    ("snap", "data.user_data.sc_cookie1", "scid-1"),
    ("hubspot", "inputs.utk", "7d01eb4e"),
]
COOKIES = {
    "_ga": "GA1.1.1234567890.1700000000",
    "_ga_ABC123": "GS2.1.s1767268000$o3$g1$t1",
    "_fbp": "fb.1.1596403881668.1098115397",
    "_fbc": "fb.1.1554763741205.AbCdEf",
    "_ttp": "2ttp",
    "_epik": "dj0y",
    "_scid": "scid-1",
    "hubspotutk": "7d01eb4e",
}


@pytest.mark.parametrize(("name", "path", "value"), [each for each in IDS if each[0] in vendors.names()])
def test_a_browser_is_known_by_the_ids_that_the_vendor_left_in_it(name: str, path: str, value: str) -> None:
    door = Door(Source("shop", ("dev",), collect_ids=True))
    page = {"url": "https://shop.example/?ttclid=E.C.P%2F1%2B&ScCid=sc-1&fbclid=later"}
    event = {"userId": "u1", "event": "Order Completed", "properties": ORDER, "context": {"page": page}}
    cookies = "; ".join(f"{key}={each}" for key, each in COOKIES.items())
    headers = {"Cookie": cookies, "X-Write-Key": "dev", "Origin": "https://shop.example", "User-Agent": "M"}
    assert door.request("POST", "/v1/track", to_json(event), headers).status == 200

    settings = {"measurement_id": "G-ABC123"} if name == "ga4" else {}
    stored = {key: each for key, each in door.event.items() if key not in ("timestamp", "receivedAt")}

    assert (f".{path}", value) in sent(name, stored, **settings)


@every_vendor
@pytest.mark.parametrize(
    ("consent", "reason"),
    [
        pytest.param({"categoryPreferences": {"Ads": False}}, "consent", id="denied"),
        pytest.param({"categoryPreferences": {"Stats": True}}, "consent", id="granted for something else"),
        pytest.param({"optIn": True}, "consent", id="granted without a category"),
        pytest.param({"categoryPreferences": {"Ads": True}}, None, id="granted"),
    ],
)
def test_without_consent_nothing_leaves(name: str, consent: dict[str, Any], reason: str | None) -> None:
    settings = {key: Secret(value) for key, value in made_up(name).items()}
    route = Route("ads", Destination(name=name, settings=settings, consent=("Ads",)))
    context = {**BROWSER, "consent": consent, "traits": {"email": "ann@example.com"}}

    line = event_line(event="Order Completed", properties=ORDER, context=context)

    assert route.reason(line) == reason
