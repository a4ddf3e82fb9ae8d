"""A journal damaged in many places: the gateway starts, delivers the valid events and counts the others."""

import fcntl
import random
from collections.abc import Callable
from pathlib import Path

from gateway.journal.segments.files import START
from tests.build import track
from tests.gateway import Gateway, until
from tests.journal.breaking import flip_bit, zero

BATCHES, SIZE = 60, 10


def damage(file: Path, chance: random.Random) -> None:
    """Flip a bit of a file, or overwrite a range with zeros."""
    place = chance.randrange(START, START + len(file.read_bytes()[START:].rstrip(b"\0")))
    if chance.random() < 0.5:
        flip_bit(file, place * 8 + chance.randrange(8))
    else:
        zero(file, place, place + chance.choice([10, 1000, 5000]))


def test_each_event_is_delivered_or_counted_and_no_process_ends(
    gateway: Callable[..., Gateway], chance: random.Random, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    with (tmp_path / "data/events.jsonl").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # nothing is delivered yet
        running = gateway()
        for batch in range(BATCHES):
            events = [track(messageId=f"{batch}-{number}") for number in range(SIZE)]
            assert running.post("/v1/batch", {"batch": events}).status == 200
        running.kill()
    for _ in range(10):
        damage(chance.choice([*(tmp_path / "data/journal/0").glob("*.log")]), chance)

    running.start()
    processes = running.children()
    until(lambda: running.pending() == 0)

    names = [event["messageId"] for event in running.events()]
    dead = running.metrics()['gateway_sink_events_total{outcome="dead",reason="damaged",sink="events"}']
    assert len(names) + dead == BATCHES * SIZE
    assert names == sorted(set(names), key=lambda name: [int(part) for part in name.split("-")])
    assert dead > 0
    assert running.children() == processes
    assert running.post("/v1/track", track(messageId="later")).status == 200
    running.delivered(len(names) + 1)
