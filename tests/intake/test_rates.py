"""Sources with a rate: what is over it is refused as a whole, told when to come back, and harms no other."""

from typing import Any

import pytest

from gateway.config.units import Rate
from gateway.errors import RateLimited
from gateway.sources import Source, Sources
from tests.build import Door, track

SLOW = Rate(1 / 3600)
LIMITED = Source("limited", ("dev",), rate=SLOW, burst=3)
FREE = Source("free", ("free",))


def batch(count: int, **fields: Any) -> dict[str, Any]:
    return {"batch": [track(**fields) for _ in range(count)]}


def test_a_burst_passes_and_what_follows_is_told_when_to_come_back() -> None:
    door = Door(LIMITED)

    answers = [door.post("/v1/track", track()) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json["code"] == "rate_limited"
    assert answers[3].headers["retry-after"] == answers[3].headers["x-ratelimit-reset"]
    assert int(answers[3].headers["retry-after"]) == pytest.approx(3600, rel=0.01)
    assert len(door.events) == 3


def test_without_a_burst_it_is_what_comes_in_a_second() -> None:
    door = Door(Source("limited", ("dev",), rate=Rate(2)))

    assert [door.post("/v1/batch", batch(2)).status for _ in range(2)] == [200, 429]


def test_a_batch_passes_as_a_whole_or_not_at_all() -> None:
    door = Door(LIMITED)

    answers = [door.post("/v1/batch", batch(2)) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 429]
    assert (answers[1].json["Accepted"], answers[1].json["Rejected"]) == (0, 2)
    assert len(door.events) == 2


def test_a_batch_larger_than_a_burst_passes_if_nothing_was_sent_before() -> None:
    door = Door(LIMITED)

    assert [door.post("/v1/batch", batch(100)).status for _ in range(2)] == [200, 429]


def test_a_source_over_its_rate_harms_no_other() -> None:
    door = Door(LIMITED, FREE)
    for _ in range(10):
        door.post("/v1/batch", batch(10))

    assert door.post("/v1/track", track(writeKey="free")).status == 200


def test_all_dialects_and_keys_of_a_source_share_its_rate() -> None:
    door = Door(Source("limited", ("dev", "new"), rate=SLOW, burst=2))

    door.post("/v1/track", track())
    door.post("/v1/webhook?writeKey=new", track())

    assert door.post("/v1/track", track()).status == 429


def test_a_batch_of_several_sources_passes_only_if_each_of_them_may_send() -> None:
    door = Door(LIMITED, FREE)
    mixed = {"batch": [*batch(2)["batch"], *batch(2, writeKey="free")["batch"]]}

    answers = [door.post("/v1/batch", mixed) for _ in range(2)]
    alone = door.post("/v1/track", track())

    assert [answer.status for answer in answers] == [200, 429]
    assert len(door.events) == 5
    assert alone.status == 200, "the refused batch has used up the rate"


def test_strangers_use_up_no_rate() -> None:
    door = Door(LIMITED)
    for _ in range(10):
        door.post("/v1/track", track(writeKey="unknown"))

    assert door.post("/v1/batch", batch(3)).status == 200


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        pytest.param("GET", "/v1/pixel/track?writeKey=dev&userId=u&event=E", b"", 200, id="pixel"),
        pytest.param("GET", "/events?token=dev&event_name=e", b"", 200, id="commandersact pixel"),
        pytest.param("POST", "/events?token=dev", b'{"event_name": "e"}', 503, id="commandersact"),
        pytest.param("POST", "/events/batch?token=dev", b'{"batch": [{}]}', 503, id="commandersact batch"),
        pytest.param("POST", "/api/s/track", b'{"userId": "u", "event": "E"}', 429, id="jitsu"),
        pytest.param("POST", "/v1/w?writeKey=dev", b'{"type": "page", "userId": "u"}', 429, id="webhook"),
    ],
)
def test_each_dialect_answers_in_its_own_terms(method: str, target: str, body: bytes, status: int) -> None:
    door = Door(Source("limited", ("dev",), rate=SLOW))
    headers = {"X-Write-Key": "dev"}
    door.request(method, target, body, headers)

    answer = door.request(method, target, body, headers)

    assert answer.status == status
    assert (answer.headers.get("content-type") == "image/gif") == (status == 200)
    assert answer.headers.get("x-gateway-error", "rate_limited") == "rate_limited"
    assert b"rate_limited" in answer.body or "x-gateway-error" in answer.headers
    assert ("retry-after" in answer.headers) == (status != 200)
    assert len(door.events) == 1


def test_each_worker_lets_its_share_pass() -> None:
    sources = Sources([Source("limited", ("dev",), rate=Rate(2 / 3600), burst=20)], workers=2)

    sources.buckets["limited"].take(10)

    assert sources.buckets["limited"].wait(1) == pytest.approx(3600, rel=0.01)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        pytest.param(Source("a", ("k",), rate=Rate(0)), "rate", id="no rate at all"),
        pytest.param(Source("a", ("k",), burst=5), "burst", id="a burst without a rate"),
    ],
)
def test_a_rate_that_makes_no_sense_is_a_mistake(source: Source, key: str) -> None:
    assert [where for where, _ in source.check()] == [key]


def test_the_same_refusal_of_other_events_keeps_what_it_says() -> None:
    refusal = RateLimited("limited", 3, 60)

    same = refusal.concerning(5)

    assert isinstance(same, RateLimited)
    assert (same.events, same.retry_after, same.source, str(same)) == (5, 60, "limited", str(refusal))
