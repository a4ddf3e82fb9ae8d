"""Customer.io: requests as its documents want them, written by hand from these."""

from typing import Any

import pytest

from gateway.destinations.answers import Verdict
from tests.destinations import customerio
from tests.destinations.commerce import EVENTS, ORDER
from tests.destinations.trying import Vendor

CUSTOMERIO = Vendor("customerio", customerio.broken, site_id="site", api_key="cio-key")


def item(mapped: Any) -> dict[str, Any]:
    [found] = mapped.body["batch"]
    assert isinstance(found, dict)
    return found


def test_a_track_event_is_an_event_of_a_person() -> None:
    mapped = CUSTOMERIO.map({"event": "Order Completed", "anonymousId": "a1", "properties": ORDER})

    [request] = mapped.requests
    assert (request.call.method, request.call.url) == ("POST", "https://track.customer.io/api/v2/batch")
    assert request.call.headers == {"Authorization": "Basic c2l0ZTpjaW8ta2V5"}
    assert item(mapped) == {
        "type": "person",
        "action": "event",
        "identifiers": {"id": "u1"},
        "name": "Order Completed",
        "id": "01KDWPVNG0MNT0MCKE5CK8S9PV",
        "timestamp": 1767268800,
        "attributes": {**ORDER, "anonymous_id": "a1"},
    }


@pytest.mark.parametrize("name", EVENTS)
def test_every_e_commerce_event_is_one_that_customer_io_accepts(name: str) -> None:
    assert item(CUSTOMERIO.map({"event": name, "properties": EVENTS[name]}))["name"] == name


@pytest.mark.parametrize(
    ("fields", "action", "name"),
    [
        ({"type": "page", "context": {"page": {"url": "https://a.example/"}}}, "page", "https://a.example/"),
        ({"type": "page", "name": "Home"}, "page", "Home"),
        ({"type": "screen", "name": "Home"}, "screen", "Home"),
    ],
)
def test_a_page_has_its_address_for_a_name_and_a_screen_its_name(
    fields: dict[str, Any], action: str, name: str
) -> None:
    found = item(CUSTOMERIO.map({"event": "", **fields}))

    assert (found["action"], found["name"]) == (action, name)


@pytest.mark.parametrize(
    ("ids", "identifiers"),
    [
        ({"userId": "u/1"}, {"id": "u/1"}),
        ({"userId": "ann@example.com"}, {"email": "ann@example.com"}),
        ({"userId": "cio_03000001"}, {"cio_id": "03000001"}),
        ({"userId": "", "anonymousId": "a1"}, {"anonymous_id": "a1"}),
    ],
)
def test_a_person_is_known_by_exactly_one_id(ids: dict[str, str], identifiers: dict[str, str]) -> None:
    assert item(CUSTOMERIO.map(ids))["identifiers"] == identifiers


def test_a_person_is_identified_with_attributes() -> None:
    traits = {"email": "ann@example.com", "createdAt": "2026-01-01T00:00:00Z", "seen": "2026-01-01T00:00:00Z"}

    mapped = CUSTOMERIO.map({"type": "identify", "event": "", "anonymousId": "a1", "traits": traits})

    assert item(mapped) == {
        "type": "person",
        "action": "identify",
        "identifiers": {"id": "u1"},
        "attributes": {
            "email": "ann@example.com",
            "created_at": 1767225600,
            "seen": "2026-01-01T00:00:00Z",
            "anonymous_id": "a1",
        },
    }


def test_a_group_is_an_object_with_the_person() -> None:
    mapped = CUSTOMERIO.map(
        {"type": "group", "event": "", "groupId": "g1", "traits": {"name": "Acme"}}, object_type_id="2"
    )

    assert item(mapped) == {
        "type": "object",
        "action": "identify",
        "identifiers": {"object_type_id": "2", "object_id": "g1"},
        "attributes": {"name": "Acme"},
        "cio_relationships": [{"identifiers": {"id": "u1"}}],
    }


def test_an_alias_merges_two_people() -> None:
    mapped = CUSTOMERIO.map({"type": "alias", "event": "", "previousId": "ann@example.com"})

    assert item(mapped) == {
        "type": "person",
        "action": "merge",
        "primary": {"id": "u1"},
        "secondary": {"email": "ann@example.com"},
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"event": ""}, "missing_name", id="no name"),
        pytest.param({"type": "page", "event": ""}, "missing_name", id="no address of a page"),
        pytest.param({"properties": {f"p{n}": n for n in range(301)}}, "too_many_attributes", id="301"),
        pytest.param({"properties": {"p" * 151: 1}}, "attribute_name_too_long", id="a name of 151 bytes"),
        pytest.param(
            {"event": "e" * 101, "userId": "", "anonymousId": "a1"}, "event_name_too_long", id="101 bytes"
        ),
        pytest.param({"properties": {"p": "x" * 33_000}}, "too_large", id="over 32 KB"),
        pytest.param({"type": "alias", "event": ""}, "missing_secondary", id="no previous id"),
    ],
)
def test_what_customer_io_would_refuse_is_not_sent(fields: dict[str, Any], code: str) -> None:
    mapped = CUSTOMERIO.map(fields)

    assert (mapped.codes, mapped.requests) == ([code], [])


def test_the_same_event_has_the_same_id_and_another_another() -> None:
    first, second = CUSTOMERIO.map({}, {}).body["batch"]
    [again] = CUSTOMERIO.map({}).body["batch"]

    assert first["id"] == again["id"] != second["id"]


def test_the_region_is_a_setting() -> None:
    [request] = CUSTOMERIO.map({}, region="eu").requests

    assert request.call.url == "https://track-eu.customer.io/api/v2/batch"


def test_a_batch_has_at_most_1000_items_and_500_kb() -> None:
    small = CUSTOMERIO.map(*[{}] * 1001)
    large = CUSTOMERIO.map(*[{"properties": {"p": "x" * 30_000}}] * 20)

    assert [len(body["batch"]) for body in small.bodies] == [1000, 1]
    assert [len(body["batch"]) for body in large.bodies] == [16, 4]


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        pytest.param(200, b"{}", Verdict("ok"), id="all"),
        pytest.param(
            207,
            b'{"errors": [{"batch_index": 1, "reason": "invalid", "field": "id", "message": "no id"}]}',
            Verdict("refused", {("", 1): "no id"}, stored=True),
            id="207: some",
        ),
        pytest.param(
            200,
            b'{"errors": [{"batch_index": 0, "message": "no id"}]}',
            Verdict("refused", {("", 0): "no id"}, stored=True),
            id="200: some",
        ),
        pytest.param(400, b'{"meta": {"error": "bad"}}', Verdict("unknown"), id="400"),
        pytest.param(401, b'{"meta": {"error": "Unauthorized"}}', Verdict("credentials"), id="key"),
        pytest.param(429, b"", Verdict("retry"), id="429"),
    ],
)
def test_answers_mean_what_customer_ios_documents_say(status: int, body: bytes, verdict: Verdict) -> None:
    assert CUSTOMERIO.judge(status, body) == verdict
