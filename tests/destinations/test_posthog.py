"""PostHog: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from tests.destinations import posthog
from tests.destinations.commerce import EVENTS
from tests.destinations.trying import Mapped, Vendor

POSTHOG = Vendor("posthog", posthog.broken, api_key="phc_key")
MESSAGE_ID = "0f3c9a6c-91a5-4c1e-a1de-7b7f0d1a2b3c"


def event(mapped: Mapped) -> dict[str, Any]:
    [found] = mapped.body["batch"]
    assert isinstance(found, dict)
    return found


def properties(fields: dict[str, Any], **settings: Any) -> dict[str, Any]:
    found = event(POSTHOG.map(fields, **settings))["properties"]
    assert isinstance(found, dict)
    return found


def test_a_track_is_an_event_with_its_properties() -> None:
    context = {
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "groupId": "g1",
        "page": {"url": "https://shop.example/a", "path": "/a", "referrer": "https://g.example/b"},
        "campaign": {"name": "may"},
        "os": {"name": "iOS", "version": "26"},
    }

    mapped = POSTHOG.map({"messageId": MESSAGE_ID, "properties": {"n": 1, "tags": ["x"]}, "context": context})

    [request] = mapped.requests
    assert request.call.url == "https://us.i.posthog.com/batch/"
    assert mapped.body == {
        "api_key": "phc_key",
        "batch": [
            {
                "event": "Ordered",
                "distinct_id": "u1",
                "uuid": MESSAGE_ID,
                "timestamp": "2026-01-01T12:00:00.000Z",
                "properties": {
                    "n": 1,
                    "tags": ["x"],
                    "$ip": "192.0.2.1",
                    "$current_url": "https://shop.example/a",
                    "$pathname": "/a",
                    "$host": "shop.example",
                    "$referrer": "https://g.example/b",
                    "$referring_domain": "g.example",
                    "$raw_user_agent": "Mozilla/5.0",
                    "utm_campaign": "may",
                    "$os": "iOS",
                    "$os_version": "26",
                    "$groups": {"company": "g1"},
                },
            }
        ],
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_posthog_keeps(name: str) -> None:
    found = event(POSTHOG.map({"event": name, "properties": EVENTS[name]}))

    assert found["event"] == name
    assert EVENTS[name].items() <= found["properties"].items()


def test_a_page_is_a_page_view() -> None:
    page = {"type": "page", "event": "", "name": "Home", "properties": {"url": "https://a.example/x"}}

    found = event(POSTHOG.map(page))

    assert found["event"] == "$pageview"
    assert found["properties"]["$current_url"] == "https://a.example/x"
    assert found["properties"]["title"] == "Home"


def test_a_screen_has_its_name() -> None:
    found = event(POSTHOG.map({"type": "screen", "event": "", "name": "Home"}))

    assert (found["event"], found["properties"]["$screen_name"]) == ("$screen", "Home")


def test_an_identify_joins_the_anonymous_person_to_the_known_one() -> None:
    identify = {"type": "identify", "event": "", "anonymousId": "a1", "traits": {"plan": "pro"}}

    found = event(POSTHOG.map(identify))

    assert (found["event"], found["distinct_id"]) == ("$identify", "u1")
    assert found["properties"] == {"$anon_distinct_id": "a1", "$set": {"plan": "pro"}, "$geoip_disable": True}


def test_an_identify_without_a_user_joins_nobody() -> None:
    identify = {"type": "identify", "event": "", "userId": "", "anonymousId": "a1", "traits": {"plan": "pro"}}

    found = event(POSTHOG.map(identify))

    assert found["distinct_id"] == "a1"
    assert "$anon_distinct_id" not in found["properties"]


def test_a_group_gets_its_traits() -> None:
    group = {"type": "group", "event": "", "groupId": 7, "traits": {"plan": "pro"}}

    found = event(POSTHOG.map(group, group_type="team"))

    expected = {"$group_type": "team", "$group_key": "7", "$group_set": {"plan": "pro"}}
    assert (found["event"], found["properties"]) == ("$groupidentify", {**expected, "$geoip_disable": True})


def test_an_alias_belongs_to_the_old_id_and_names_the_new_one() -> None:
    found = event(POSTHOG.map({"type": "alias", "event": "", "previousId": "old"}))

    assert (found["event"], found["distinct_id"]) == ("$create_alias", "old")
    assert (found["properties"]["distinct_id"], found["properties"]["alias"]) == ("old", "u1")


def test_an_id_that_is_no_uuid_becomes_always_the_same_one() -> None:
    first, second = (event(POSTHOG.map({"messageId": "ajs-next-1"}))["uuid"] for _ in range(2))

    assert first == second != event(POSTHOG.map({"messageId": "ajs-next-2"}))["uuid"]


def test_without_an_address_nobody_is_located() -> None:
    assert properties({"properties": {"$ip": "192.0.2.7"}}) == {"$geoip_disable": True}


@pytest.mark.parametrize(
    ("person_profiles", "user_id", "said"),
    [
        pytest.param("always", "", None, id="always"),
        pytest.param("identified_only", "", False, id="an anonymous person"),
        pytest.param("identified_only", "u1", None, id="a known person"),
        pytest.param("never", "u1", False, id="never"),
    ],
)
def test_a_setting_says_whose_events_make_a_profile(person_profiles: str, user_id: str, said: Any) -> None:
    found = properties({"userId": user_id, "anonymousId": "a1"}, person_profiles=person_profiles)

    assert found.get("$process_person_profile") is said


def test_an_import_says_that_it_is_one() -> None:
    assert POSTHOG.map({}, historical_migration="true").body["historical_migration"] is True


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"userId": ""}, "missing_distinct_id", id="nobody"),
        pytest.param({"event": ""}, "missing_event", id="no name"),
        pytest.param({"type": "identify", "userId": "undefined"}, "forbidden_id", id="identify nobody"),
        pytest.param({"type": "identify", "anonymousId": "NULL"}, "forbidden_id", id="from nobody"),
        pytest.param({"type": "alias", "userId": "0", "previousId": "a"}, "forbidden_id", id="alias nobody"),
        pytest.param({"type": "alias"}, "missing_distinct_id", id="alias without an old id"),
        pytest.param({"type": "group"}, "missing_$group_key", id="group without an id"),
        pytest.param({"type": "group", "groupId": "g" * 401}, "long_group_key", id="a long group id"),
        pytest.param({"properties": {"a": "x" * 900_000}}, "too_large", id="nearly 1 MB"),
    ],
)
def test_what_posthog_would_drop_in_silence_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = POSTHOG.map(fields, {"messageId": MESSAGE_ID})

    assert mapped.codes == [code]
    assert [each["uuid"] for each in mapped.bodies[0]["batch"]] == [MESSAGE_ID]


def test_an_event_of_an_id_that_is_not_merged_is_an_event() -> None:
    assert event(POSTHOG.map({"userId": "guest"}))["distinct_id"] == "guest"


@pytest.mark.parametrize("host", ["https://eu.i.posthog.com", "http://posthog.internal:8000"])
def test_events_go_to_the_cloud_or_to_a_server_of_ones_own(host: str) -> None:
    [request] = POSTHOG.map({}, host=host).requests

    assert request.call.url == f"{host}/batch/"


def test_a_request_is_far_smaller_than_posthog_takes() -> None:
    mapped = POSTHOG.map(*[{"properties": {"a": "x" * 800_000}}] * 7)

    assert [len(body["batch"]) for body in mapped.bodies] == [6, 1]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(200, b'{"status": 1}', "ok", id="received"),
        pytest.param(401, b'{"type": "authentication_error"}', "unknown", id="key"),
        pytest.param(429, b"", "unknown", id="too much"),
        pytest.param(400, b"", "unknown", id="bad body"),
    ],
)
def test_answers_are_judged_by_their_status(status: int, body: bytes, kind: str) -> None:
    assert POSTHOG.judge(status, body).kind == kind
