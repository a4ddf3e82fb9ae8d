"""Each message is judged on its own: by its key, its size and its origin; and what the client hears of it."""

from typing import Any

import pytest

from gateway.clients import FAILS_ON
from gateway.errors import JournalUnavailable, Overloaded, TryLater
from gateway.sources import Source
from tests.build import Door, track
from tests.fakes import MemoryJournal

MIXED = {"batch": [track(), {"type": "track"}]}


def test_an_unknown_write_key_leaves_no_trace() -> None:
    door = Door()

    answer = door.post("/v1/track", track(), X_Write_Key="unknown")

    assert (answer.status, answer.json["code"], door.events) == (400, "unknown_write_key", [])
    assert "x-durability" not in answer.headers


def test_each_event_of_a_batch_is_judged_by_its_own_key() -> None:
    door = Door(Source("a", ("ka",)), Source("b", ("kb",)), Source("off", ("kc",), enabled=False))
    batch = [track(), track(writeKey="kb"), track(writeKey="kc"), track(writeKey="kd")]

    answer = door.post("/v1/batch", {"batch": batch}, X_Write_Key="ka")

    errors = [(error["Index"], error["code"]) for error in answer.json["Errors"]]
    assert (answer.status, errors) == (207, [(2, "source_disabled"), (3, "unknown_write_key")])
    assert [event["source"]["name"] for event in door.events] == ["a", "b"]


def test_a_batch_of_several_unknown_keys_is_accounted_for() -> None:
    answer = Door().post("/v1/batch", [track(writeKey="a"), track(writeKey="b")])

    assert (answer.status, answer.json["Rejected"], answer.json["code"]) == (400, 2, "unknown_write_key")


def test_every_key_of_a_source_counts() -> None:
    door = Door(Source("website", ("old", "new"), site_id="29"))

    for key in ("old", "new"):
        door.post("/v1/track", track(), X_Write_Key=key)

    assert [event["source"]["name"] for event in door.events] == ["website", "website"]
    assert door.events[0]["source"]["siteId"] == "29"


def test_a_disabled_source_is_told_as_one() -> None:
    answer = Door(Source("website", ("dev",), enabled=False)).post("/v1/track", track())

    assert (answer.status, answer.json["code"]) == (400, "source_disabled")


@pytest.mark.parametrize("origin", ["https://shop.example", ""], ids=["listed", "none"])
def test_a_source_takes_events_from_the_origins_that_it_lists(origin: str) -> None:
    door = Door(Source("default", ("dev",), allowed_origins=("https://shop.example",)))

    answer = door.post("/v1/track", track(), Origin=origin)

    assert (answer.status, len(door.events)) == (200, 1)
    assert answer.headers.get("access-control-allow-origin", "") == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://shop.example:8443",
        "https://SHOP.example.",
    ],
)
@pytest.mark.parametrize("body", [track(), {"batch": [track()]}], ids=["one", "batch"])
def test_other_origins_are_refused_and_may_not_read_why(origin: str, body: dict[str, Any]) -> None:
    door = Door(Source("default", ("dev",), allowed_origins=("https://shop.example",)))

    answer = door.post("/v1/batch", body, Origin=origin)

    assert (answer.status, answer.json["code"], door.events) == (400, "origin_not_allowed", [])
    assert "access-control-allow-origin" not in answer.headers


def test_an_origin_that_one_source_of_a_batch_refuses_may_not_read_the_answer() -> None:
    strict = Source("strict", ("s",), allowed_origins=("https://shop.example",))
    door = Door(Source("open", ("o",)), strict)

    answer = door.post("/v1/batch", [track(writeKey="o"), track(writeKey="s")], Origin="https://evil.example")

    assert (answer.status, len(door.events)) == (207, 1)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("wish", "strict", "status"),
    [
        ("auto", "", 207),
        ("always", "", 207),
        ("never", "", 200),
        ("never", "1", 207),
        ("never", "0", 200),
        ("never", "True", 207),
        ("never", "maybe", 200),
        ("auto", "1", 207),
    ],
)
def test_a_source_says_whether_a_207_is_wanted(wish: Any, strict: str, status: int) -> None:
    door = Door(Source("default", ("dev",), multi_status=wish))

    answer = door.post("/v1/batch", MIXED, X_Strict_Mode=strict)

    assert (answer.status, answer.json["Accepted"], answer.json["success"]) == (status, 1, False)


@pytest.mark.parametrize("name", FAILS_ON[207])
@pytest.mark.parametrize("told", ["User-Agent", "context of the batch", "context of the event"])
def test_a_client_that_fails_on_207_gets_the_same_body_with_200(name: str, told: str) -> None:
    context = {"library": {"name": name, "version": "1.0.0"}}
    body: dict[str, Any] = dict(MIXED)
    if told == "context of the batch":
        body["context"] = context
    if told == "context of the event":
        body["batch"] = [track(context=context), {"type": "track"}]
    agent = f"{name}/1.0.0" if told == "User-Agent" else ""

    answer = Door().post("/v1/batch", body, User_Agent=agent)
    strict = Door().post("/v1/batch", body, User_Agent=agent, X_Strict_Mode="1")

    assert (answer.status, strict.status) == (200, 207)
    assert answer.json == strict.json


def test_of_several_sources_the_strictest_decides() -> None:
    door = Door(Source("a", ("ka",), multi_status="never"), Source("b", ("kb",), multi_status="always"))
    batch = [track(writeKey="ka"), track(writeKey="kb"), {"type": "track", "writeKey": "ka"}]

    answer = door.post("/v1/batch", {"batch": batch}, User_Agent="analytics-php/3.8.2")

    assert answer.status == 207


def test_a_batch_of_which_all_is_wrong_is_refused_whatever_the_client() -> None:
    answer = Door().post("/v1/batch", {"batch": [{"type": "track"}]}, User_Agent="analytics-php/3.8.2")

    assert (answer.status, answer.json["Rejected"]) == (400, 1)


@pytest.mark.parametrize("trouble", [JournalUnavailable(), Overloaded()], ids=lambda trouble: trouble.code)
def test_what_could_not_be_stored_is_not_acknowledged(trouble: TryLater) -> None:
    door = Door(journal=MemoryJournal(trouble))

    answer = door.post("/v1/batch", MIXED)

    assert (answer.status, answer.json["code"], answer.json["success"]) == (503, trouble.code, False)
    assert "x-durability" not in answer.headers
