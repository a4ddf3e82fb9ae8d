"""The http sink with a request for each event: ids, order, and what became of each event of a batch."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.errors import SinkError, SinkMisconfigured, SinkRefused, SinkUnavailable
from gateway.sinks.base import Batch
from gateway.sinks.http import Http
from tests.build import event_line
from tests.sinks import chaos
from tests.sinks.batches import batch, batch_of, write
from tests.sinks.chaos import Behaviour, Peer, Request, Target


def to(target: Target, **keys: Any) -> Http:
    return Http(url=Secret(target.url), allow_private=True, body="event", **keys)


def behave(**behaviours: Behaviour) -> Callable[[Request], Behaviour]:
    """Behave as told at the events with these messageIds, and accept all others."""
    return lambda request: behaviours.get(json.loads(request.body)["messageId"], chaos.ACCEPT)


def fail(sending: Batch, in_flight: int = 1, **behaviours: Behaviour) -> tuple[SinkError, list[Request]]:
    with Target(behave(**behaviours)) as target, pytest.raises(SinkError) as raised:
        write(to(target, in_flight=in_flight), b"", sending)
    return raised.value, target.requests


def test_each_event_is_a_request_with_the_id_of_a_batch_of_one() -> None:
    with Target() as target:
        write(to(target), b"", batch(5, 8))

    assert target.bodies == batch(5, 8).lines
    assert [request.headers["webhook-id"] for request in target.requests] == [
        "archive/0/5-6",
        "archive/0/6-7",
        "archive/0/7-8",
    ]


def test_an_id_does_not_depend_on_the_batch() -> None:
    holes = Batch("archive", "0", 3, 20, (5, 9), batch(0, 2).data, suffix="-r1")

    with Target() as target:
        write(to(target), b"", holes)

    assert [request.headers["webhook-id"] for request in target.requests] == [
        "archive/0/5-6-r1",
        "archive/0/9-10-r1",
    ]


def test_a_person_waits_for_the_answer_to_the_event_before_and_others_overtake() -> None:
    lines = [event_line(n, **({"anonymousId": "a", "userId": ""} if n % 2 else {})) for n in range(6)]
    last_of_other = asyncio.Event()

    async def answer_later(peer: Peer) -> bool:
        await last_of_other.wait()
        return await chaos.ACCEPT(peer)

    def decide(request: Request) -> Behaviour:
        if b'"m5"' in request.body:
            last_of_other.set()
        return answer_later if b'"m0"' in request.body else chaos.ACCEPT

    with Target(decide) as target:
        write(to(target, in_flight=2), b"", batch_of(lines))

    order = [json.loads(body)["messageId"] for body in target.bodies]
    assert order.index("m2") > order.index("m5")
    assert [name for name in order if name in ("m0", "m2", "m4")] == ["m0", "m2", "m4"]
    assert [name for name in order if name in ("m1", "m3", "m5")] == ["m1", "m3", "m5"]


def test_events_without_a_person_do_not_wait_for_each_other() -> None:
    lines = [event_line(n, userId="") for n in range(40)]

    with Target() as target:
        write(to(target, in_flight=8), b"", batch_of(lines))

    assert sorted(target.bodies) == sorted(lines)
    assert target.connections > 1


def test_a_batch_ends_before_the_next_begins() -> None:
    lines = [event_line(n, userId=f"u{n}") for n in range(40)]

    with Target() as target:
        write(to(target, in_flight=8), b"", batch_of(lines[:20]), batch_of(lines[20:], first=20))

    order = [int(json.loads(body)["messageId"][1:]) for body in target.bodies]
    assert max(order[:20]) < min(order[20:])


def test_with_one_request_at_a_time_all_events_are_in_order() -> None:
    lines = [event_line(n, userId=f"u{n % 2}") for n in range(6)]

    with Target() as target:
        write(to(target), b"", batch_of(lines))

    assert target.bodies == lines


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize(
    "refused",
    [[0], [2], [5], [0, 5], [0, 1, 2, 3, 4, 5]],
    ids=["first", "middle", "last", "both ends", "all"],
)
def test_refused_events_are_named_and_all_others_delivered(refused: list[int], in_flight: int) -> None:
    error, requests = fail(
        batch(0, 6), in_flight, **{f"m{n}": chaos.answer(422, b"no %d" % n) for n in refused}
    )

    assert isinstance(error, SinkRefused)
    assert {index: culprit.answer for index, culprit in error.culprits.items()} == {
        n: f"no {n}" for n in refused
    }
    assert sorted(error.delivered) == [n for n in range(6) if n not in refused]
    assert len(requests) == 6


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        pytest.param(chaos.answer(503), SinkUnavailable, id="503"),
        pytest.param(chaos.hang_up, SinkUnavailable, id="closed"),
        pytest.param(chaos.answer(401), SinkMisconfigured, id="401"),
    ],
)
def test_after_a_failure_nothing_more_is_sent_and_what_was_delivered_is_named(
    behaviour: Behaviour, failure: type[SinkError]
) -> None:
    error, requests = fail(batch(0, 6), m0=chaos.answer(422), m2=behaviour)

    assert isinstance(error, failure)
    assert error.delivered == [1]
    assert json.loads(requests[-1].body)["messageId"] == "m2"


def test_retry_after_is_passed_on() -> None:
    error, _ = fail(batch(0, 3), m1=chaos.answer(429, Retry_After="17"))

    assert isinstance(error, SinkUnavailable)
    assert error.retry_after == 17


def test_a_connection_can_be_used_after_a_failure_of_an_event() -> None:
    with Target(behave(m1=chaos.answer(422))) as target, pytest.raises(SinkRefused):
        write(to(target, in_flight=2), b"", batch(2, 4), batch(0, 2))

    assert len(target.requests) == 4
