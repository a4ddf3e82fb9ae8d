"""With an engine that has several partitions, each event goes to that of its person."""

from typing import Any

import pytest

from gateway.journal import persons
from gateway.journal.base import Promise
from gateway.sources import Source
from tests.build import Door, track

PARTITIONS = 256


def partition(person: str) -> int:
    return persons.partition("default", person, PARTITIONS)


@pytest.mark.parametrize(
    ("ids", "person"),
    [
        pytest.param({"userId": "u1"}, "u1", id="a user"),
        pytest.param({"userId": "u1", "anonymousId": "a1"}, "u1", id="a user with an anonymousId"),
        pytest.param({"userId": None, "anonymousId": "a1"}, "a1", id="an anonymous visitor"),
    ],
)
def test_an_event_goes_to_the_partition_of_its_person(ids: dict[str, Any], person: str) -> None:
    door = Door(partitions=PARTITIONS)

    door.post("/v1/track", track(**ids))

    assert door.journal.partitions == [partition(person)]


def test_each_event_of_a_batch_goes_to_its_own_partition() -> None:
    door = Door(partitions=PARTITIONS)

    door.post("/v1/batch", {"batch": [track(userId=each) for each in ("u1", "u2", "u1")]})

    assert door.journal.partitions == [partition("u1"), partition("u2"), partition("u1")]


def test_events_that_are_refused_leave_the_partitions_of_the_others_as_they_are() -> None:
    door = Door(partitions=PARTITIONS)
    large = track(userId="u2", properties={"filler": "x" * 40_000})

    door.post("/v1/batch", {"batch": [track(userId="u1"), large, {"type": "track"}, track(userId="u3")]})

    assert [event["userId"] for event in door.events] == ["u1", "u3"]
    assert door.journal.partitions == [partition("u1"), partition("u3")]


def test_people_of_different_sources_are_different_people() -> None:
    door = Door(Source("one", ("k1",)), Source("two", ("k2",)), partitions=PARTITIONS)

    for key in ("k1", "k2"):
        door.post("/v1/track", track(userId="u1"), X_Write_Key=key)

    assert door.journal.partitions == [persons.partition(name, "u1", PARTITIONS) for name in ("one", "two")]


def test_with_one_partition_there_is_nothing_to_choose() -> None:
    door = Door()

    door.post("/v1/track", track())

    assert door.journal.partitions == []


def test_an_answer_says_what_the_journal_promises_now() -> None:
    promise = Promise("quorum")
    door = Door(promise=promise)

    before = door.post("/v1/track", track())
    promise.keep("quorum-fsync")
    after = door.post("/v1/track", track())

    assert [each.headers["x-durability"] for each in (before, after)] == ["quorum", "quorum-fsync"]
