"""What the gateway itself puts into an event's context, and what it leaves alone."""

from typing import Any

import pytest

from gateway.sources import Source
from tests.build import Door, to_json, track

BROWSERS = [{"Origin": "https://shop.example"}, {"Sec_Fetch_Site": "cross-site"}]


def context(given: Any = None, **headers: str) -> Any:
    """Return the context that is stored for an event that was sent with the given one."""
    door = Door()
    door.post("/v1/track", track(context=given), User_Agent="Agent/1", **headers)
    return door.event["context"]


@pytest.mark.parametrize("headers", BROWSERS, ids=lambda headers: next(iter(headers)))
def test_a_persons_device_is_described(headers: dict[str, str]) -> None:
    assert context({"a": 1}, **headers) == {"a": 1, "ip": "192.0.2.1", "userAgent": "Agent/1"}


@pytest.mark.parametrize("headers", [{}, {"Sec_Fetch_Mode": "cors"}], ids=["a server", "Node's fetch"])
def test_a_server_is_not(headers: dict[str, str]) -> None:
    assert context({"a": 1}, **headers) == {"a": 1}


def test_a_huge_user_agent_does_not_fill_the_journal() -> None:
    door = Door()

    door.post("/v1/track", track(), User_Agent="Agent/1 " + "x" * 20_000, Origin="https://shop.example")

    assert len(door.event["context"]["userAgent"]) == 1024


def test_what_the_client_says_itself_is_kept() -> None:
    given = {"userAgent": "Own", "ip": "203.0.113.9"}

    assert context(given, Origin="https://shop.example") == given


@pytest.mark.parametrize(
    "given",
    [
        {"userAgent": None, "ip": ""},
        {"userAgent": "", "ip": None},
        {"userAgent": None, "ip": None},
        {"userAgent": "", "ip": ""},
        {"userAgent": ""},
        {"ip": ""},
        {"ip": None},
    ],
    ids=str,
)
def test_what_is_empty_or_null_is_filled_in_as_if_it_were_missing(given: dict[str, Any]) -> None:
    assert context(given, Origin="https://shop.example") == {"ip": "192.0.2.1", "userAgent": "Agent/1"}


@pytest.mark.parametrize("given", [{"ip": "", "userAgent": "Own"}, {"ip": "203.0.113.9", "userAgent": None}])
def test_one_of_the_two_is_filled_in_without_the_other(given: dict[str, Any]) -> None:
    filled = {"ip": given["ip"] or "192.0.2.1", "userAgent": given["userAgent"] or "Agent/1"}

    assert context(given, Origin="https://shop.example") == filled


@pytest.mark.parametrize("given", [{"userAgent": None, "ip": ""}, {"ip": None}, {"userAgent": ""}], ids=str)
def test_a_servers_empty_fields_are_left(given: dict[str, Any]) -> None:
    assert context(given) == given


@pytest.mark.parametrize("said", ["0.0.0.0", "::ffff:203.0.113.9", " ", 0, False], ids=repr)
def test_an_address_that_a_client_says_is_kept_as_it_is(said: Any) -> None:
    assert context({"ip": said}, Origin="https://shop.example")["ip"] == said


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_address_of_a_direct_sender_is_filled_in(empty: Any) -> None:
    assert context({"direct": True, "ip": empty, "userAgent": ""}) == {
        "direct": True,
        "ip": "192.0.2.1",
        "userAgent": "",
    }


def test_a_direct_sender_has_its_address_filled_in_alone() -> None:
    assert context({"direct": True}) == {"direct": True, "ip": "192.0.2.1"}
    assert context({"direct": False}) == {"direct": False}


def test_a_flag_that_is_none_is_noted() -> None:
    door = Door()

    door.post("/v1/track", track(context={"direct": "maybe"}))

    assert door.event["context"] == {"direct": "maybe"}
    [warning] = door.event["warnings"]
    assert (warning["code"], warning["field"]) == ("invalid_context_field", "context.direct")


def test_an_opt_out_becomes_a_category_that_is_not_granted() -> None:
    consent = {"optOut": {"ads": True, "stats": False}, "explicit": True}

    found = context({"consent": consent})

    assert found["consent"] == {**consent, "categoryPreferences": {"ads": False, "stats": True}}


def test_a_category_that_is_stated_outranks_an_opt_out() -> None:
    consent = {"categoryPreferences": {"ads": True}, "optOut": {"ads": True, "stats": True}}

    found = context({"consent": consent})

    assert found["consent"]["categoryPreferences"] == {"ads": True, "stats": False}


@pytest.mark.parametrize(
    "consent",
    [{}, {"categoryPreferences": {"ads": True}}, {"optOut": {}}, {"explicit": True}],
    ids=["empty", "categories", "no opt-outs", "something else"],
)
def test_other_consent_passes_untouched(consent: dict[str, Any]) -> None:
    assert context({"consent": consent}) == {"consent": consent}


@pytest.mark.parametrize(
    ("consent", "field"),
    [
        ("yes", "context.consent"),
        ([], "context.consent"),
        ({"categoryPreferences": ["ads"]}, "context.consent.categoryPreferences"),
        ({"optOut": True}, "context.consent.optOut"),
    ],
    ids=repr,
)
def test_consent_that_cannot_be_read_is_noted_and_kept(consent: Any, field: str) -> None:
    door = Door()

    door.post("/v1/track", track(context={"consent": consent}))

    assert door.event["context"] == {"consent": consent}
    [warning] = door.event["warnings"]
    assert (warning["code"], warning["field"]) == ("invalid_context_field", field)


PRIVATE = Source("private", ("dev",), truncate_ip=True)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("203.0.113.9", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:203.0.113.9", "203.0.113.0"),
        ("2002:cb00:7109:5::1", "2002:cb00:7100::"),
        ("fe80::1%eth0", "fe80::"),
    ],
    ids=["IPv4", "IPv6", "IPv4 within IPv6", "IPv4 within 6to4", "with a zone"],
)
def test_an_address_is_truncated_if_the_source_says_so_whoever_says_it(said: str, kept: str) -> None:
    door = Door(PRIVATE)
    device = {"X-Write-Key": "dev", "Origin": "https://shop.example"}

    door.post("/v1/track", track(context={"ip": said}))
    door.request("POST", "/v1/track", to_json(track()), device, peer=said)

    assert [event["context"]["ip"] for event in door.events] == [kept, kept]
    assert said.encode() not in b"".join(door.journal.lines)


@pytest.mark.parametrize("said", ["203.0.113.9, 10.0.0.1", "unknown", " ", 7], ids=repr)
def test_what_cannot_be_truncated_is_not_kept(said: Any) -> None:
    door = Door(PRIVATE)

    door.post("/v1/track", track(context={"ip": said, "a": 1}))

    assert door.event["context"] == {"a": 1}
    [warning] = door.event["warnings"]
    assert (warning["code"], warning["field"]) == ("invalid_context_field", "context.ip")


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_address_needs_no_truncation(empty: Any) -> None:
    door = Door(PRIVATE)

    door.post("/v1/track", track(context={"ip": empty}))

    assert door.event["context"] == {"ip": empty}
    assert "warnings" not in door.event


@pytest.mark.parametrize(
    "event",
    [
        {"user": 7, "context": {"device": {"ip": "203.0.113.9"}}},
        {"context": {"device": {"ip": "203.0.113.9"}, "ip": None}},
        {"context": {"device": {"ip": "203.0.113.9"}, "ip": ""}},
        {"context": [{"device": {"ip": "203.0.113.9"}}]},
    ],
    ids=["an odd user", "an address that is null", "an address that is empty", "a context that is none"],
)
def test_no_address_survives_in_what_is_kept_for_the_way_back(event: dict[str, Any]) -> None:
    door = Door(PRIVATE)

    door.request("POST", "/events?token=dev", to_json({"event_name": "e", **event}))

    assert len(door.events) == 1
    assert b"203.0.113.9" not in door.journal.lines[0]
