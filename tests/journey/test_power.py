"""A power failure under load: every acknowledged event exists exactly once after the reboot."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway import Gateway, free_ports, until
from tests.journey.faults import Disk
from tests.journey.load import NOTHING_WRONG, Load

# Files are finished at an eighth of the journal's size, and deleted a second after they were delivered.
CONFIG = """
[server]
port = {}
[inspector]
port = {}
[journal]
path = "disk/journal"
max_size = "4MB"
keep = "1s"
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "disk/events.jsonl"
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(tmp_path) as disk:
        yield disk


def test_no_power_failure_loses_or_repeats_an_acknowledged_event(
    disk: Disk, gateway: Callable[..., Gateway], rounds: int | None, chance: random.Random
) -> None:
    running = gateway(CONFIG.format(*free_ports()))

    with Load(running.port, chance) as load:
        for _ in range(rounds or 5):
            load.advance(chance.randrange(20, 600))
            # A sync during the power failure may return success: ext4's ioctl does not fail it. A machine
            # without power would send no answer.
            with load.unheard():
                disk.cut()
                running.kill()
                disk.replug()
                running.start()
        load.advance(100)

    until(lambda: running.pending() == 0)
    assert running.stop() == 0
    assert load.compare(running.events("disk/events.jsonl")) == NOTHING_WRONG
    assert load.unexpected == []


def test_events_acknowledged_just_before_a_power_failure_survive_it(
    disk: Disk, gateway: Callable[..., Gateway]
) -> None:
    running = gateway(CONFIG.format(*free_ports()))

    answer = running.post("/v1/track", {"messageId": "last", "userId": "u1", "event": "Ordered"})
    disk.cut()
    running.kill()
    disk.replug()
    running.start()

    [event] = running.delivered(1, "disk/events.jsonl")
    assert (answer.status, event["messageId"]) == (200, "last")
