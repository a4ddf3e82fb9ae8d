"""A full disk: new events are refused at once, acknowledged ones are not lost, and the gateway recovers."""

import random
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.build import track
from tests.gateway import Answer, Gateway, until
from tests.journey.faults import MEGABYTE, Ballast, small_disk
from tests.journey.load import NOTHING_WRONG, Findings, Load

REFUSED_WITHIN = 1.0
"""Seconds, from the contract."""

CONFIG = """
[server]
port = 0
[inspector]
port = 0
[journal]
path = "disk/journal"
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "disk/events.jsonl"
"""

FILE = "disk/events.jsonl"


def wait_for(running: Gateway, status: HTTPStatus) -> Answer:
    """Send the same event until the answer has the given status."""
    while (answer := running.post("/v1/track", track(messageId="again"))).status != status:
        assert answer.status in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    return answer


def compare(running: Gateway, load: Load) -> Findings:
    """Wait for delivery, and compare the delivered events with those that were sent."""
    until(lambda: running.pending() == 0)
    assert running.stop() == 0
    return load.compare([event for event in running.events(FILE) if event["messageId"] != "again"])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "16M") as disk:
        yield disk


def test_a_full_disk_is_reported_within_a_second(disk: Path, gateway: Callable[..., Gateway]) -> None:
    running = gateway(CONFIG)
    wait_for(running, HTTPStatus.OK)

    Ballast(disk).fill()
    filled = time.monotonic()
    answer = wait_for(running, HTTPStatus.SERVICE_UNAVAILABLE)
    seconds = time.monotonic() - filled

    assert seconds <= REFUSED_WITHIN
    assert answer.json["code"] == "journal_unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert "x-durability" not in answer.headers
    assert running.request("GET", "/readyz").status == HTTPStatus.SERVICE_UNAVAILABLE


def test_the_gateway_recovers_by_itself_once_there_is_space(
    disk: Path, gateway: Callable[..., Gateway], chance: random.Random
) -> None:
    running = gateway(CONFIG)
    processes = running.children()

    with Load(running.port, chance) as load:
        for _ in range(3):
            load.advance(100)
            ballast = Ballast(disk)
            ballast.fill()
            wait_for(running, HTTPStatus.SERVICE_UNAVAILABLE)
            ballast.remove()
        load.advance(100)

    assert running.children() == processes
    assert compare(running, load) == NOTHING_WRONG
    assert load.unexpected == []


def test_a_disk_filled_by_events_costs_none_of_them(
    disk: Path, gateway: Callable[..., Gateway], chance: random.Random
) -> None:
    running = gateway(CONFIG)
    ballast = Ballast(disk, 10 * MEGABYTE)

    with Load(running.port, chance, largest=14_000) as load:
        wait_for(running, HTTPStatus.SERVICE_UNAVAILABLE)
        ballast.remove()
        load.advance(50)

    assert compare(running, load) == NOTHING_WRONG
    assert load.unexpected == []
