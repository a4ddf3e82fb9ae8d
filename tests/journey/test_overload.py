"""
More load than the gateway can bear: it refuses what is too much, loses nothing that it has acknowledged,
keeps its memory bounded, and recovers.

`--rounds 20` makes the loads twenty times as long, and `-s` shows the figures.
"""

import asyncio
import math
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from tests.build import track
from tests.gateway import DEFAULTS, Gateway, until
from tests.journey import crowd
from tests.journey.books import EVENTS
from tests.journey.crowd import Answered, Template

CONFIG = f"""{DEFAULTS}
[sources.flood]
write_keys = ["flood"]
rate = "100/s"
burst = 50
[delivery]
duplicates = "0s"
"""
MEGABYTE = 2**20
MOST_BYTES = 400 * MEGABYTE
"""Of the memory of a worker."""

# It takes the gateway much longer than its sender.
BATCH = Template("/v1/batch", [track(messageId=f"{Template.MARK}-{place}") for place in range(1000)])
LARGE = Template("/v1/batch", [track(messageId=Template.MARK, properties={"long": "x" * 13_000})] * 38)
SINGLE = Template("/v1/track", track(messageId=Template.MARK))
FLOOD = Template("/v1/track", track(messageId=Template.MARK), key="flood")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all of them: a load must not harm the next."""
    with Gateway(tmp_path_factory.mktemp("overload"), CONFIG) as running:
        yield running


def delivered(running: Gateway) -> float:
    """Return how many events the sink has got, once it has them all."""
    until(lambda: running.pending() == 0)
    return running.metrics().get('gateway_sink_events_total{outcome="delivered",reason="",sink="events"}', 0)


def open_files(running: Gateway) -> float:
    return running.metrics()['gateway_process_open_fds{process="intake-0"}']


def statuses(answers: Sequence[Answered]) -> Counter[int]:
    return Counter(each.status for each in answers)


def milliseconds(answers: Sequence[Answered], *wanted: int) -> float:
    """Return the 99th percentile of the answers with these statuses."""
    return round(1000 * crowd.percentile([each.seconds for each in answers if each.status in wanted], 0.99))


@contextmanager
def nuisances(port: int, idle: int, slow: int, unread: int) -> Iterator[None]:
    """Hold connections that send nothing, that never end a request, and that read no answer."""
    with ExitStack() as held:

        def connect() -> socket.socket:
            return held.enter_context(socket.create_connection(("127.0.0.1", port)))

        for _ in range(slow):
            connect().sendall(SINGLE(0)[:-1])
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: gateway\r\n\r\n" * 50
        for _ in range(unread):
            connection = connect()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(asked)
        for _ in range(idle):  # last, since they have the least time
            connect()
        yield


def test_idle_slow_and_unread_connections_disturb_no_good_sender(
    running: Gateway, rounds: int | None
) -> None:
    many = min(rounds or 1, 10)

    with nuisances(running.port, idle=500 * many, slow=200 * many, unread=50 * many):
        until(lambda: open_files(running) >= 750 * many)
        answers = asyncio.run(crowd.load(running.port, SINGLE, 500, 500 * many, connections=32))

    crowd.report(
        "nuisances",
        p99_ms=milliseconds(answers, 200),
        megabytes=crowd.peak_bytes(running) // MEGABYTE,
    )
    assert statuses(answers) == {200: 500 * many}
    until(lambda: open_files(running) < 100)
    assert crowd.peak_bytes(running) < MOST_BYTES


def test_a_source_that_floods_is_limited_and_harms_no_other(running: Gateway, rounds: int | None) -> None:
    seconds = 2 * (rounds or 1)
    before = delivered(running)

    async def both() -> tuple[list[Answered], list[Answered]]:
        flood = crowd.load(running.port, FLOOD, 500, 500 * seconds, connections=32)
        good = crowd.load(running.port, SINGLE, 100, 100 * seconds, connections=8)
        return tuple(await asyncio.gather(flood, good))  # type: ignore[return-value]

    begun = time.monotonic()
    flood, good = asyncio.run(both())
    lasted = time.monotonic() - begun

    crowd.report(
        "a source that floods",
        flood=statuses(flood),
        good=statuses(good),
        good_p99_ms=milliseconds(good, 200),
        refused_p99_ms=milliseconds(flood, 429),
    )
    assert statuses(good) == {200: 100 * seconds}
    assert statuses(flood).keys() == {200, 429}
    assert all(each.retry_after >= 1 for each in flood if each.status == 429)
    assert statuses(flood)[200] <= 50 + 100 * lasted + 1
    assert delivered(running) - before == len(good) + statuses(flood)[200]


def test_many_large_bodies_at_once_take_bounded_memory(running: Gateway, rounds: int | None) -> None:
    assert 490_000 < len(LARGE(0)) < 500 * 1024
    before = len(running.drained())

    answers = asyncio.run(crowd.load(running.port, LARGE, math.inf, 64 * 2 * (rounds or 1), connections=64))

    crowd.report(
        "64 x 500 KB",
        statuses=statuses(answers),
        p99_ms=milliseconds(answers, 200),
        megabytes=crowd.peak_bytes(running) // MEGABYTE,
    )
    assert statuses(answers).keys() <= {200, 503}
    assert crowd.peak_bytes(running) < MOST_BYTES
    assert delivered(running) - before == 38 * statuses(answers)[200]


def test_ten_times_the_capacity_is_refused_in_time_and_costs_no_event(
    running: Gateway, rounds: int | None
) -> None:
    begun = time.monotonic()
    alone = asyncio.run(crowd.load(running.port, BATCH, math.inf, 40, connections=4))
    capacity = len(alone) / (time.monotonic() - begun)
    seconds = 2.0 * (rounds or 1)

    answers = asyncio.run(
        crowd.load(running.port, BATCH, 10 * capacity, int(10 * capacity * seconds), connections=256)
    )
    ended = time.monotonic()
    later = asyncio.run(crowd.load(running.port, BATCH, math.inf, 10, connections=1))
    recovered = time.monotonic()

    crowd.report(
        "10 x capacity",
        capacity=round(capacity),
        goodput=round(statuses(answers)[200] / seconds),
        statuses=statuses(answers),
        accepted_p99_ms=milliseconds(answers, 200),
        refused_p99_ms=milliseconds(answers, 503),
        ten_batches_later_ms=round(1000 * (recovered - ended)),
        megabytes=crowd.peak_bytes(running) // MEGABYTE,
    )
    assert statuses(alone).keys() == statuses(later).keys() == {200}
    assert statuses(answers).keys() == {200, 503}
    assert {each.retry_after for each in answers if each.status == 503} == {1}
    assert crowd.peak_bytes(running) < MOST_BYTES
    delivered(running)
    stored = re.findall(rb'"messageId":"(\d{8})-', (running.folder / EVENTS).read_bytes())
    promised = Counter(each.number for each in (*alone, *answers, *later) if each.status == 200)
    assert Counter(map(int, stored)) == {number: 1000 * times for number, times in promised.items()}
