"""HubSpot: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.build import event_line
from tests.destinations import hubspot
from tests.destinations.commerce import EVENTS
from tests.destinations.trying import Vendor

HUBSPOT = Vendor("hubspot", hubspot.broken, access_token="pat-token", hub_id="77")
KNOWN = {"traits": {"email": " Ann@Example.com"}}


def event(mapped: Any) -> dict[str, Any]:
    [found] = mapped.body["inputs"]
    assert isinstance(found, dict)
    return found


def test_a_track_event_is_an_occurrence_of_a_custom_event() -> None:
    properties = {"orderId": "o1", "total": 0, "paid": False, "phone": "+33140205050", "products": [{}]}

    mapped = HUBSPOT.map({"event": "Order Completed", "context": KNOWN, "properties": properties})

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == ("POST", "https://api.hubapi.com/events/v3/send/batch")
    assert request.call.headers == {"Authorization": "Bearer pat-token"}
    assert event(mapped) == {
        "eventName": "pe77_order_completed",
        "email": "ann@example.com",
        "uuid": "3126ecb3-5998-52d3-abff-9640975a9bef",
        "occurredAt": "2026-01-01T12:00:00.000Z",
        "properties": {"order_id": "o1", "total": 0, "paid": False, "phone": "+33140205050"},
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_hubspot_accepts(name: str) -> None:
    HUBSPOT.map({"event": name, "properties": EVENTS[name], "context": KNOWN})


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({"context": KNOWN}, {"email": "ann@example.com"}),
        ({"traits": {"email": "ann@example.com"}}, {"email": "ann@example.com"}),
        ({"userId": "Ann@example.com"}, {"email": "ann@example.com"}),
        ({"context": {"cookies": {"hubspotutk": "7d01eb4e"}}}, {"utk": "7d01eb4e"}),
        ({"integrations": {"HubSpot": {"objectId": 608051}}}, {"objectId": "608051"}),
    ],
)
def test_a_contact_is_known_by_its_address_its_cookie_or_its_id(
    fields: dict[str, Any], ids: dict[str, str]
) -> None:
    found = event(HUBSPOT.map(fields))

    assert {name: found[name] for name in ("email", "utk", "objectId") if name in found} == ids


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({}, "event", id="nobody that HubSpot knows"),
        pytest.param({"context": {"traits": {"email": "a" * 64}}}, "event", id="hashed address"),
        pytest.param({"type": "identify", "event": ""}, "event", id="person without an address"),
        pytest.param({"type": "page", "event": "", "context": KNOWN}, "type", id="page"),
        pytest.param({"type": "group", "event": ""}, "type", id="group"),
        pytest.param({"context": KNOWN}, None, id="somebody"),
    ],
)
def test_people_who_are_no_contacts_are_filtered(fields: dict[str, Any], reason: str | None) -> None:
    given = {"type": "track", "event": "E", **fields}

    found = HUBSPOT.program().exclusion(given["type"], given["event"], event_line(**given))

    assert found == reason


def test_a_person_is_a_contact() -> None:
    traits = {
        "email": "Ann@example.com",
        "firstName": "Ann",
        "lastName": "Lee",
        "phone": "030 901820",
        "company": "Acme",
        "website": "https://acme.example",
        "address": {"city": "Berlin", "postalCode": 10115, "country": "DE"},
        "lifecycleStage": "Lead",
        "plan": "pro",
    }

    mapped = HUBSPOT.map({"type": "identify", "event": "", "traits": traits}, phone_region="DE")

    url = "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert"
    assert mapped.requests[0].call.url == url
    assert event(mapped) == {
        "id": "ann@example.com",
        "idProperty": "email",
        "properties": {
            "firstname": "Ann",
            "lastname": "Lee",
            "phone": "+4930901820",
            "company": "Acme",
            "city": "Berlin",
            "zip": "10115",
            "country": "DE",
            "website": "https://acme.example",
            "lifecyclestage": "lead",
        },
    }


def test_a_phone_number_that_cannot_be_normalized_is_sent_as_it_is() -> None:
    traits = {"email": "a@example.com", "phone": "030 901820"}

    found = event(HUBSPOT.map({"type": "identify", "event": "", "traits": traits}))

    assert found["properties"] == {"phone": "030 901820"}


def test_a_contact_is_in_a_request_once_and_its_changes_stay_in_order() -> None:
    people = [
        {"type": "identify", "event": "", "traits": {"email": f"{name}@example.com", "firstName": first}}
        for name, first in (("ann", "A"), ("bob", "B"), ("ann", "Ann"), ("cid", "C"))
    ]

    mapped = HUBSPOT.map(*people)

    names = [[each["properties"]["firstname"] for each in body["inputs"]] for body in mapped.bodies]
    assert names == [["A", "B"], ["Ann", "C"]]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"event": "1st order"}, "invalid_event_name", id="a digit first"),
        pytest.param({"event": "購入"}, "invalid_event_name", id="no letter that HubSpot has"),
        pytest.param({"event": "e" * 51}, "invalid_event_name", id="51 characters"),
        pytest.param({"properties": {"1": 1}}, "invalid_property_name", id="name of a property"),
        pytest.param({"properties": {f"p{n}": n for n in range(51)}}, "too_many_properties", id="51"),
        pytest.param(
            {"type": "identify", "event": "", "traits": {"email": "a@b.example"}},
            "no_properties",
            id="no trait",
        ),
    ],
)
def test_what_hubspot_would_refuse_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = HUBSPOT.map({"context": KNOWN, **fields})

    assert (mapped.codes, mapped.requests) == ([code], [])


def test_requests_have_at_most_500_events_and_100_contacts() -> None:
    events = HUBSPOT.map(*[{"context": KNOWN}] * 501)
    contacts = HUBSPOT.map(
        *(
            {"type": "identify", "event": "", "traits": {"email": f"{n}@a.example", "firstName": "A"}}
            for n in range(101)
        )
    )

    assert [len(body["inputs"]) for body in events.bodies] == [500, 1]
    assert [len(body["inputs"]) for body in contacts.bodies] == [100, 1]


@pytest.mark.parametrize(
    ("call", "status", "body", "kind"),
    [
        pytest.param("send", 204, b"", "ok", id="events"),
        pytest.param("send", 400, b'{"message": "no such event", "errors": []}', "unknown", id="400"),
        pytest.param("send", 401, b'{"category": "EXPIRED_AUTHENTICATION"}', "credentials", id="token"),
        pytest.param("send", 429, b'{"policyName": "SECONDLY"}', "retry", id="429"),
        pytest.param("send", 477, b"", "retry", id="the account moves to another data centre"),
        pytest.param("contacts", 200, b'{"results": [{"id": "1"}]}', "ok", id="contacts"),
        pytest.param(
            "contacts",
            207,
            b'{"results": [], "errors": [{"message": "bad"}]}',
            "refused",
            id="207 with errors",
        ),
    ],
)
def test_answers_mean_what_hubspots_documents_say(call: str, status: int, body: bytes, kind: str) -> None:
    verdict = HUBSPOT.judge(status, body, call)

    assert verdict == Verdict(kind)  # type: ignore[arg-type]
