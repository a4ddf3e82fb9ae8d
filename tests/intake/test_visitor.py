"""Visitors whom no page names."""

import re
from typing import Any

import pytest

from gateway.sources import Identity, Source
from tests.build import Door, to_json, track
from tests.gateway import Answer

KNOWN = "01a214db-c067-79f7-ba93-19b01530c640"
KNOWING = Source("shop", ("dev",), identity=Identity(cookie="visitor", domain="shop.example"))
HEEDLESS = Source("shop", ("dev",), identity=Identity(heed_opt_out=False))
BROWSER = {"X-Write-Key": "dev", "Origin": "https://www.shop.example"}
PIXEL = "/v1/pixel/track?writeKey=dev&event=Opened"


def send(door: Door, event: Any = None, **headers: str) -> Answer:
    """An event as a browser sends it; a header's name has "_" for "-"."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.request("POST", "/v1/track", to_json(event or {"event": "E"}), {**BROWSER, **named})


def cookie(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


def test_a_new_visitor_gets_an_id_and_a_cookie_for_a_year() -> None:
    door = Door(KNOWING)

    answer = send(door)

    assert answer.status == 200
    told, *attributes = answer.headers["set-cookie"].split("; ")
    assert re.fullmatch("visitor=[0-9a-f-]{36}", told)
    assert attributes == [
        "Max-Age=31536000",
        "Path=/",
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Domain=shop.example",
    ]
    assert door.event["anonymousId"] == cookie(answer)
    assert [warning["code"] for warning in door.event["warnings"]] == ["anonymous_id_assumed"]


def test_without_a_domain_the_cookie_is_the_gateways_own() -> None:
    answer = send(Door(HEEDLESS))

    assert answer.headers["set-cookie"].endswith("; SameSite=Lax")


@pytest.mark.parametrize(
    "sent", [f"visitor={KNOWN}", f"a=b; visitor={KNOWN};c=d", f"visitors=x;visitor={KNOWN}"]
)
def test_a_known_visitor_keeps_its_id_for_another_year(sent: str) -> None:
    door = Door(KNOWING)

    answer = send(door, Cookie=sent)

    assert (door.event["anonymousId"], cookie(answer)) == (KNOWN, KNOWN)


@pytest.mark.parametrize(
    "sent", ["visitor=", "visitor=x", f"visitor={KNOWN}0", f'visitor="{KNOWN}"', "visitor"]
)
def test_a_cookie_that_is_none_of_ours_is_nobodys(sent: str) -> None:
    door = Door(KNOWING)

    answer = send(door, Cookie=sent)

    assert door.event["anonymousId"] == cookie(answer) != KNOWN


def test_a_pixel_is_known_by_it_too() -> None:
    door = Door(KNOWING)

    answer = door.request("GET", PIXEL, headers={"Cookie": f"visitor={KNOWN}"})

    assert (answer.headers["content-type"], door.event["anonymousId"]) == ("image/gif", KNOWN)


def test_an_event_of_commanders_act_is_known_by_it_too() -> None:
    door = Door(KNOWING)

    door.request("GET", "/events?token=dev&event_name=e", headers={"Cookie": f"visitor={KNOWN}"})

    assert door.event["anonymousId"] == KNOWN


def test_all_events_of_a_batch_are_of_one_visitor() -> None:
    door = Door(KNOWING)
    nameless = {"type": "track", "event": "E"}

    answer = door.request(
        "POST", "/v1/batch", to_json({"batch": [nameless, track(anonymousId="a1"), nameless]}), BROWSER
    )

    assert [event["anonymousId"] for event in door.events] == [cookie(answer), "a1", cookie(answer)]


def test_a_batch_of_several_sources_is_of_one_visitor_all_the_same() -> None:
    door = Door(KNOWING, Source("other", ("other",), identity=KNOWING.identity))
    batch = [{"type": "track", "event": "E", "writeKey": key} for key in ("dev", "other")]

    answer = door.request("POST", "/v1/batch", to_json(batch), BROWSER)

    assert [event["anonymousId"] for event in door.events] == [cookie(answer), cookie(answer)]


def test_who_names_itself_gets_no_cookie() -> None:
    door = Door(KNOWING)

    answer = send(door, {"event": "E", "anonymousId": "a1"}, Cookie=f"visitor={KNOWN}")

    assert (door.event["anonymousId"], "set-cookie" in answer.headers) == ("a1", False)
    assert "warnings" not in door.event


def test_a_server_is_nobodys_browser() -> None:
    door = Door(KNOWING)

    answer = door.post("/v1/track", track(), Cookie=f"visitor={KNOWN}")

    assert ("anonymousId" in door.event, "set-cookie" in answer.headers) == (False, False)


def test_a_source_that_does_not_ask_for_it_knows_nobody() -> None:
    answer = send(Door(), Cookie=f"visitor={KNOWN}")

    assert (answer.status, answer.json["code"]) == (400, "missing_id")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("signal", ["Sec_GPC", "DNT"])
def test_who_opts_out_is_not_known(signal: str) -> None:
    door = Door(KNOWING)

    answers = [
        send(door, **{signal: "1", "Cookie": f"visitor={KNOWN}"}),
        send(door, track(), **{signal: "1", "Cookie": f"visitor={KNOWN}"}),
    ]

    assert [answer.status for answer in answers] == [400, 200]
    assert "anonymousId" not in door.event
    assert not any("set-cookie" in answer.headers for answer in answers)


@pytest.mark.parametrize("signal", ["Sec_GPC", "DNT"])
def test_a_source_may_not_heed_it(signal: str) -> None:
    assert "set-cookie" in send(Door(HEEDLESS), **{signal: "1"}).headers


@pytest.mark.parametrize("signal", ["Sec_GPC", "DNT"])
@pytest.mark.parametrize(("value", "known"), [("0", True), ("false", True), ("null", True), ("Yes", False)])
def test_a_signal_counts_only_if_it_says_yes(signal: str, value: str, known: bool) -> None:
    assert ("set-cookie" in send(Door(KNOWING), **{signal: value}).headers) is known


def test_a_visitor_whose_event_is_refused_gets_no_cookie() -> None:
    answer = send(Door(KNOWING), {"event": ""})

    assert (answer.status, "set-cookie" in answer.headers) == (400, False)
