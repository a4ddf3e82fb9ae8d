"""Amplitude: requests as its documents want them, written by hand from these."""

import json
from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import amplitude
from tests.destinations.commerce import EVENTS, ORDER
from tests.destinations.trying import Mapped, Vendor, every_view

AMPLITUDE = Vendor("amplitude", amplitude.broken, api_key="amp-key")


def event(mapped: Mapped) -> dict[str, Any]:
    [found] = mapped.body["events"]
    assert isinstance(found, dict)
    return found


def test_a_track_is_an_event_of_a_user_on_a_device() -> None:
    context = {
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "locale": "de-DE",
        "groupId": "g1",
        "page": {"referrer": "https://g.example/"},
        "campaign": {"name": "may", "source": "news"},
        "traits": {"plan": "pro"},
        "app": {"version": "2.1"},
        "device": {"id": "d1", "type": "ios", "model": "iPhone7,2"},
        "os": {"name": "iOS", "version": "26"},
        "location": {"city": "Berlin", "latitude": 52.5, "longitude": "13.4"},
    }
    integrations = {"Actions Amplitude": {"session_id": 1767268700000}}

    mapped = AMPLITUDE.map(
        {"properties": {"n": 1, "in": {"a": [1]}}, "context": context, "integrations": integrations}
    )

    [request] = mapped.requests
    assert request.call.url == "https://api2.amplitude.com/2/httpapi"
    assert mapped.body == {
        "api_key": "amp-key",
        "options": {"min_id_length": 1},
        "events": [
            {
                "event_type": "Ordered",
                "time": 1767268800000,
                "insert_id": "m0",
                "user_id": "u1",
                "device_id": "d1",
                "session_id": 1767268700000,
                "ip": "192.0.2.1",
                "user_agent": "Mozilla/5.0",
                "platform": "iOS",
                "app_version": "2.1",
                "os_name": "iOS",
                "os_version": "26",
                "device_model": "iPhone7,2",
                "language": "de-DE",
                "city": "Berlin",
                "location_lat": 52.5,
                "location_lng": 13.4,
                "groups": {"company": "g1"},
                "event_properties": {"n": 1, "in": {"a": [1]}},
                "user_properties": {
                    "utm_campaign": "may",
                    "utm_source": "news",
                    "referrer": "https://g.example/",
                    "plan": "pro",
                },
            }
        ],
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_amplitude_accepts(name: str) -> None:
    found = event(AMPLITUDE.map({"event": name, "properties": EVENTS[name]}))

    assert (found["event_type"], found["event_properties"]) == (name, EVENTS[name])


@pytest.mark.parametrize("name", sorted(EVENTS.keys() - {"Order Completed", "Order Refunded"}))
def test_only_a_completed_order_is_revenue(name: str) -> None:
    assert "revenue" not in event(AMPLITUDE.map({"event": name, "properties": EVENTS[name]}))


@pytest.mark.parametrize(
    ("name", "properties", "value", "revenue"),
    [
        pytest.param("Order Completed", ORDER, "revenue", 25.0, id="an order"),
        pytest.param("Order Completed", ORDER, "total", 27.5, id="an order with tax"),
        pytest.param("Order Refunded", EVENTS["Order Refunded"], "revenue", -30, id="a refund"),
        pytest.param("Plan Renewed", {"revenue": "9.50", "currency": "eur"}, "revenue", 9.5, id="any other"),
    ],
)
def test_what_comes_in_is_revenue_and_what_goes_out_is_negative(
    name: str, properties: dict[str, Any], value: str, revenue: float
) -> None:
    found = event(AMPLITUDE.map({"event": name, "properties": properties}, value=value))

    assert (found["revenue"], found["currency"]) == (revenue, properties["currency"].upper())


@every_view
def test_a_page_is_an_event_that_says_what_was_viewed(fields: dict[str, Any], name: str) -> None:
    assert event(AMPLITUDE.map({"event": "", **fields}))["event_type"] == name


def test_an_identify_sets_traits_and_remembers_the_first_campaign() -> None:
    context = {"campaign": {"source": "news"}}
    identify = {"type": "identify", "event": "", "traits": {"plan": "pro"}, "context": context}

    found = event(AMPLITUDE.map(identify))

    assert found["event_type"] == "$identify"
    assert found["user_properties"] == {
        "$set": {"plan": "pro"},
        "$setOnce": {"initial_utm_source": "news"},
    }


def test_a_group_becomes_that_of_the_person_and_gets_its_traits() -> None:
    group = {"type": "group", "event": "", "groupId": 7, "traits": {"plan": "pro"}}

    person, group_of_person = AMPLITUDE.map(group, group_type="team").body["events"]

    assert (person["event_type"], group_of_person["event_type"]) == ("$identify", "$groupidentify")
    assert person["user_properties"] == {"$set": {"team": "7"}}
    assert person["groups"] == group_of_person["groups"] == {"team": "7"}
    assert group_of_person["group_properties"] == {"$set": {"plan": "pro"}}
    assert (person["insert_id"], group_of_person["insert_id"]) == ("m0", "m0-group")


def test_a_group_without_traits_has_no_event_of_its_own() -> None:
    found = event(AMPLITUDE.map({"type": "group", "event": "", "groupId": "g"}))

    assert found["event_type"] == "$identify"


@pytest.mark.parametrize(("zone", "host"), [("US", "api"), ("EU", "api.eu")])
def test_an_alias_is_a_user_mapping_in_a_form(zone: str, host: str) -> None:
    alias = {"type": "alias", "event": "", "previousId": "old & new"}

    mapped = AMPLITUDE.map(alias, server_zone=zone)

    [request] = mapped.requests
    assert request.call.url == f"https://{host}.amplitude.com/usermap"
    assert json.loads(mapped.body["mapping"]) == [{"user_id": "old & new", "global_user_id": "u1"}]
    assert mapped.body["api_key"] == "amp-key"


@pytest.mark.parametrize(
    ("type", "platform"),
    [
        pytest.param("android", "Android", id="Android"),
        pytest.param("tv", "tv", id="any other"),
        pytest.param(None, "Web", id="a browser"),
    ],
)
def test_the_platform_is_that_of_the_device_or_the_web(type: str | None, platform: str) -> None:
    context = {"device": {"type": type}, "userAgent": "Mozilla/5.0"}

    assert event(AMPLITUDE.map({"context": context}))["platform"] == platform


def test_a_long_text_is_cut() -> None:
    mapped = AMPLITUDE.map({"userId": "u" * 2000, "event": "e" * 2000, "properties": {"a": "x" * 2000}})

    found = event(mapped)
    lengths = (len(found["user_id"]), len(found["event_type"]), len(found["event_properties"]["a"]))
    assert lengths == (1024, 1024, 1024)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"userId": ""}, "missing_id", id="nobody"),
        pytest.param({"userId": "null"}, "forbidden_id", id="a word for nobody"),
        pytest.param({"anonymousId": "undefined"}, "forbidden_id", id="a device of nobody"),
        pytest.param({"event": ""}, "missing_event_type", id="no name"),
        pytest.param(
            {"event": "[Amplitude] Revenue (Verified)"}, "reserved_event_type", id="a name of its own"
        ),
        pytest.param({"type": "alias"}, "missing_user_id", id="alias of nobody"),
    ],
)
def test_what_would_have_a_whole_request_refused_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = AMPLITUDE.map(fields, {})

    assert mapped.codes == [code]
    assert [each["insert_id"] for each in mapped.bodies[0]["events"]] == ["m1"]


def test_an_import_has_an_address_of_its_own() -> None:
    [request] = AMPLITUDE.map({}, server_zone="EU", endpoint="batch").requests

    assert request.call.url == "https://api.eu.amplitude.com/batch"


def test_a_request_has_fewer_than_2000_events_and_at_most_1_mb() -> None:
    many = AMPLITUDE.map(*[{}] * 1001)
    large = AMPLITUDE.map(*[{"properties": {f"p{n}": "x" * 1000 for n in range(300)}}] * 4)

    assert [len(body["events"]) for body in many.bodies] == [1000, 1]
    assert [len(body["events"]) for body in large.bodies] == [3, 1]


@pytest.mark.parametrize(
    ("body", "culprits"),
    [
        pytest.param(b'{"events_with_invalid_fields": {"time": [1]}}', {1}, id="a field"),
        pytest.param(b'{"events_with_missing_fields": {"event_type": [0, 2]}}', {0, 2}, id="missing fields"),
        pytest.param(b'{"silenced_devices": ["d"], "silenced_events": [3]}', {3}, id="silenced devices"),
    ],
)
def test_the_events_that_an_answer_names_are_refused_and_the_others_sent_again(
    body: bytes, culprits: set[int]
) -> None:
    verdict = AMPLITUDE.judge(400, body)

    assert ({place for _, place in verdict.culprits}, verdict.stored) == (culprits, False)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(200, b'{"code": 200, "events_ingested": 1}', "ok", id="ingested"),
        pytest.param(400, b'{"code": 400, "missing_field": "api_key"}', "credentials", id="no key"),
        pytest.param(
            429, b'{"throttled_users": {"u": 40}, "throttled_events": [0]}', "unknown", id="throttled"
        ),
        pytest.param(503, b"", "unknown", id="503"),
    ],
)
def test_other_answers_are_judged_by_their_status(status: int, body: bytes, kind: str) -> None:
    assert AMPLITUDE.judge(status, body) == Verdict(kind)  # type: ignore[arg-type]
