"""Mixpanel: requests as its documents want them, written by hand from these."""

from base64 import b64encode
from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.build import event_line
from tests.destinations import mixpanel
from tests.destinations.commerce import EVENTS
from tests.destinations.trying import Mapped, Vendor, every_view

MIXPANEL = Vendor("mixpanel", mixpanel.broken, token="mp-token")
SEGMENT_ID = "ajs-next-1699999999999-0f3c9a6c-91a5-4c1e-a1de-7b7f0d1a2b3c:x"


def event(mapped: Mapped) -> dict[str, Any]:
    [found] = mapped.body
    assert isinstance(found, dict)
    return found


def properties(fields: dict[str, Any], **settings: Any) -> dict[str, Any]:
    found = event(MIXPANEL.map(fields, **settings))["properties"]
    assert isinstance(found, dict)
    return found


def test_a_track_is_an_event_with_its_properties() -> None:
    context = {
        "ip": "192.0.2.1",
        "page": {"url": "https://shop.example/a", "referrer": "https://g.example/b"},
        "campaign": {"name": "may", "source": "news"},
        "os": {"name": "iOS", "version": "26"},
        "library": {"name": "analytics.js", "version": "2"},
    }

    mapped = MIXPANEL.map({"anonymousId": "a1", "properties": {"n": 1, "tags": ["x"]}, "context": context})

    [request] = mapped.requests
    assert request.call.url == "https://api.mixpanel.com/import"
    assert request.call.headers == {"Authorization": f"Basic {b64encode(b'mp-token:').decode()}"}
    assert mapped.body == [
        {
            "event": "Ordered",
            "properties": {
                "n": 1,
                "tags": ["x"],
                "time": 1767268800000,
                "$insert_id": "m0",
                "distinct_id": "u1",
                "$user_id": "u1",
                "$device_id": "a1",
                "ip": "192.0.2.1",
                "$current_url": "https://shop.example/a",
                "$referrer": "https://g.example/b",
                "$referring_domain": "g.example",
                "utm_campaign": "may",
                "utm_source": "news",
                "$os": "iOS",
                "$os_version": "26",
                "mp_lib": "analytics.js",
                "$lib_version": "2",
            },
        }
    ]


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_mixpanel_accepts(name: str) -> None:
    found = event(MIXPANEL.map({"event": name, "properties": EVENTS[name]}))

    assert found["event"] == name
    assert EVENTS[name].items() <= found["properties"].items()


@every_view
def test_a_page_is_an_event_that_says_what_was_viewed(fields: dict[str, Any], name: str) -> None:
    assert event(MIXPANEL.map({"event": "", **fields}))["event"] == name


@pytest.mark.parametrize(
    ("id_merge", "ids", "distinct_id"),
    [
        pytest.param("simplified", {"userId": "u1", "anonymousId": "a1"}, "u1", id="a known person"),
        pytest.param("simplified", {"userId": "", "anonymousId": "a1"}, "$device:a1", id="a device"),
        pytest.param("original", {"userId": "", "anonymousId": "a1"}, "a1", id="a device, original merge"),
        pytest.param("original", {"userId": ""}, "", id="nobody"),
    ],
)
def test_an_event_belongs_to_a_person_a_device_or_nobody(
    id_merge: str, ids: dict[str, str], distinct_id: str
) -> None:
    assert properties(ids, id_merge=id_merge)["distinct_id"] == distinct_id


def test_an_id_that_mixpanel_refuses_becomes_always_the_same_one_that_it_takes() -> None:
    first, second = (properties({"messageId": SEGMENT_ID})["$insert_id"] for _ in range(2))

    assert first == second != properties({"messageId": f"{SEGMENT_ID}y"})["$insert_id"]


def test_without_an_address_the_place_of_the_gateway_is_not_taken_for_that_of_the_person() -> None:
    assert properties({})["ip"] == 0


def test_no_property_passes_for_an_id_of_the_event() -> None:
    forged = {"distinct_id": "other", "$user_id": "other", "$insert_id": "x", "time": 1, "ip": "x", "a": 2}

    found = properties({"userId": "", "properties": forged})

    expected = {"distinct_id": "", "$insert_id": "m0", "time": 1767268800000, "ip": 0, "a": 2}
    assert found == expected


def test_the_group_of_an_event_is_a_property_by_the_key_of_the_project() -> None:
    assert properties({"context": {"groupId": "g1"}}, group_key="company")["company"] == "g1"


def test_an_identify_sets_the_profile_of_the_person() -> None:
    traits = {
        "email": "a@example.com",
        "firstName": "Ann",
        "createdAt": "2026-01-01T00:00:00Z",
        "plan": "pro",
    }

    mapped = MIXPANEL.map({"type": "identify", "event": "", "anonymousId": "a1", "traits": traits})

    [request] = mapped.requests
    assert request.call.url == "https://api.mixpanel.com/engage"
    assert mapped.body == [
        {
            "$token": "mp-token",
            "$distinct_id": "u1",
            "$set": {
                "$email": "a@example.com",
                "$first_name": "Ann",
                "$created": "2026-01-01T00:00:00.000Z",
                "plan": "pro",
            },
        }
    ]


def test_with_the_original_merge_an_identify_joins_both_ids_before_it_sets_the_profile() -> None:
    identify = {"type": "identify", "event": "", "anonymousId": "a1", "traits": {"plan": "pro"}}

    mapped = MIXPANEL.map(identify, id_merge="original")

    [joined], [profile] = mapped.bodies
    assert joined["event"] == "$identify"
    assert (joined["properties"]["$identified_id"], joined["properties"]["$anon_id"]) == ("u1", "a1")
    assert profile["$set"] == {"plan": "pro"}


def test_a_group_sets_the_profile_of_the_group() -> None:
    group = {"type": "group", "event": "", "groupId": 7, "traits": {"name": "Acme", "plan": "pro"}}

    mapped = MIXPANEL.map(group, group_key="company")

    expected = {"$group_key": "company", "$group_id": "7", "$set": {"$name": "Acme", "plan": "pro"}}
    assert mapped.body == [{"$token": "mp-token", **expected}]


def test_an_alias_joins_two_ids_with_the_original_merge() -> None:
    alias = {"type": "alias", "event": "", "previousId": "old"}

    found = event(MIXPANEL.map(alias, id_merge="original"))

    assert found["event"] == "$create_alias"
    assert (found["properties"]["distinct_id"], found["properties"]["alias"]) == ("old", "u1")


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        pytest.param({"type": "identify"}, {}, id="identify without traits"),
        pytest.param({"type": "identify"}, {"id_merge": "original"}, id="identify without two ids"),
        pytest.param({"type": "group", "groupId": "g"}, {}, id="group without traits"),
        pytest.param({"type": "alias", "previousId": "old"}, {}, id="alias with the simplified merge"),
    ],
)
def test_calls_that_say_nothing_to_mixpanel_are_filtered(
    fields: dict[str, Any], settings: dict[str, str]
) -> None:
    line = event_line(**{"event": "", **fields})

    assert MIXPANEL.program(**settings).exclusion(fields["type"], "", line) == "event"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"userId": "NULL"}, "forbidden_id", id="a word for nobody"),
        pytest.param({"userId": mixpanel.ZERO}, "forbidden_id", id="the UUID of zeros"),
        pytest.param({"userId": "", "anonymousId": "undefined"}, "forbidden_id", id="a device of nobody"),
        pytest.param({"messageId": "none"}, "forbidden_id", id="a message of nobody"),
        pytest.param({"type": "identify", "userId": "0", "traits": {"a": 1}}, "forbidden_id", id="a profile"),
        pytest.param({"event": ""}, "missing_event", id="no name"),
        pytest.param({"timestamp": "2026-01-01T13:02:00.000Z"}, "in_future", id="over an hour ahead"),
        pytest.param(
            {"properties": {f"p{n}": n for n in range(250)}}, "too_many_properties", id="255 of them"
        ),
        pytest.param({"properties": {"a": "x" * 1_000_000}}, "too_large", id="over 1 MB"),
        pytest.param(
            {"type": "identify", "userId": "", "traits": {"a": 1}}, "missing_$distinct_id", id="nobody"
        ),
    ],
)
def test_what_mixpanel_would_refuse_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = MIXPANEL.map(fields, {})

    assert mapped.codes == [code]
    assert [each["properties"]["$insert_id"] for each in mapped.bodies[0]] == ["m1"]


@pytest.mark.parametrize(("region", "host"), [("us", "api"), ("eu", "api-eu"), ("in", "api-in")])
def test_events_go_to_the_region_of_the_project(region: str, host: str) -> None:
    [request] = MIXPANEL.map({}, region=region).requests

    assert request.call.url == f"https://{host}.mixpanel.com/import"


def test_a_request_has_at_most_2000_events_and_200_profiles() -> None:
    tracks = MIXPANEL.map(*[{}] * 2001)
    profiles = MIXPANEL.map(*[{"type": "identify", "traits": {"a": 1}}] * 201)

    assert [len(body) for body in tracks.bodies] == [2000, 1]
    assert [len(body) for body in profiles.bodies] == [200, 1]


@pytest.mark.parametrize("call", ["send", "profiles", "groups"])
def test_of_a_request_that_fails_in_part_the_others_are_stored(call: str) -> None:
    body = b"""{"code": 400, "num_records_imported": 2, "status": "Bad Request",
        "failed_records": [{"index": 1, "insert_id": "m1", "field": "time", "message": "Bad time"}]}"""

    verdict = MIXPANEL.judge(400, body, call)

    assert verdict == Verdict("refused", {("", 1): "Bad time"}, stored=True)


@pytest.mark.parametrize(
    ("call", "status", "body", "kind"),
    [
        pytest.param("send", 200, b'{"code": 200, "status": "OK"}', "ok", id="imported"),
        pytest.param("send", 401, b'{"code": 401, "error": "Invalid credentials"}', "unknown", id="token"),
        pytest.param("send", 413, b'{"code": 413}', "unknown", id="too large"),
        pytest.param("send", 429, b'{"code": 429}', "unknown", id="too much"),
        pytest.param("profiles", 200, b'{"status": 1, "error": null}', "ok", id="profile, verbose"),
        pytest.param("profiles", 200, b'{"code": 200, "status": "OK"}', "ok", id="profile, strict"),
        pytest.param("profiles", 200, b'{"status": 0, "error": "token"}', "refused", id="profile refused"),
        pytest.param("profiles", 200, b"0", "refused", id="profile refused, without words"),
        pytest.param("groups", 200, b'{"status": 0, "error": "token"}', "refused", id="group refused"),
    ],
)
def test_a_profile_is_stored_only_if_the_answer_says_so(
    call: str, status: int, body: bytes, kind: str
) -> None:
    assert MIXPANEL.judge(status, body, call).kind == kind
