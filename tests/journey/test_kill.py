"""
Processes that are killed at any moment, under load: nothing acknowledged is lost, and nothing comes twice.

`--rounds 500` does it longer; how soon the gateway is ready again, tests/bench measures. To see the tests go
red, run them against a copy of the package that breaks the promise (`PYTHONPATH=copy pytest
tests/journey/test_kill.py`), for example

* in journal/shard.py, `write` only remembers its chunks, and inserts those of the last second at once when
  the next second begins: answers come before the commit, and a kill of the intake loses a second;
* in sinks/json_lines.py, `open` does not cut: a kill of delivery makes events come twice.

`synchronous = OFF` alone is not found here, since what a killed process has written stays with the
system; test_power.py finds it.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gateway import Gateway, free_ports
from tests.journey import faults
from tests.journey.load import NOTHING_WRONG, Load

# Files are sealed at an eighth of the journal's size, and trimmed a second after they were delivered.
CONFIG = """
[server]
port = {}
workers = {}
[inspector]
port = {}
[journal]
max_size = "4MB"
keep = "1s"
[sources.default]
write_keys = ["dev"]
[sinks.events]
kind = "json_lines"
path = "data/events.jsonl"
"""

MOMENTS = [
    # In the middle of a commit.
    ("intake-0", "pwrite64", 3),
    ("intake-0", "pwrite64", 8),
    ("intake-0", "fdatasync", 1),
    ("intake-0", "fdatasync", 2),
    # While a file is sealed: the log has been moved, and is about to be emptied.
    ("intake-0", "ftruncate", 1),
    ("intake-0", "ftruncate", 2),
    # While the next one is begun: it is there, and its name not yet durable.
    ("intake-0", "fsync", 1),
    ("intake-0", "fsync", 2),
    # The events are written but not synced, or not yet recorded as delivered.
    ("delivery-0", "fsync", 1),
    ("delivery-0", "pwrite64", 2),
    ("delivery-0", "fdatasync", 1),
    # While a file is trimmed, which is three files for SQLite.
    ("delivery-0", "unlink", 1),
    ("delivery-0", "unlink", 2),
    ("delivery-0", "unlink", 3),
]


@pytest.mark.parametrize(
    ("workers", "share"), [pytest.param(1, 0.6, id="one worker"), pytest.param(2, 0.4, id="two workers")]
)
def test_no_kill_loses_or_repeats_an_acknowledged_event(
    gateway: Callable[..., Gateway], rounds: int | None, chance: random.Random, workers: int, share: float
) -> None:
    running = gateway(config(workers))
    victims = ["supervisor", "delivery-0", "inspector", *(f"intake-{slot}" for slot in range(workers))]

    with Load(running.port, chance) as load:
        for _ in range(round((rounds or 25) * share)):
            load.advance(chance.randrange(20, 600))
            faults.kill(running, chance.choice(victims))
        load.advance(100)

    assert load.compare(everything(running)) == NOTHING_WRONG
    assert load.unexpected == []


def test_no_kill_at_a_delicate_moment_does_either(
    gateway: Callable[..., Gateway], chance: random.Random, tmp_path: Path
) -> None:
    running = gateway(config(workers=1))
    calls = {}

    with Load(running.port, chance) as load:
        for name, call, when in MOMENTS:
            load.advance(chance.randrange(20, 200))
            pid = running.children()[name]
            calls[name, call, when] = faults.kill_at(pid, call, when, tmp_path / "strace")
            faults.await_successor(running, name, pid)
        load.advance(100)

    assert load.compare(everything(running)) == NOTHING_WRONG
    assert load.unexpected == []
    assert is_among(calls, "intake-0", "ftruncate", "/journal/0/"), "no file was being sealed"
    assert is_among(calls, "delivery-0", "unlink", "/journal/0/"), "no file was being trimmed"


def config(workers: int) -> str:
    public, private = free_ports()
    return CONFIG.format(public, workers, private)


def everything(running: Gateway) -> list[dict[str, object]]:
    """What has arrived when there is nothing more to come."""
    running.drained()
    assert running.stop() == 0
    return running.events()


def is_among(calls: dict[tuple[str, str, int], str], name: str, call: str, path: str) -> bool:
    return any(path in line for (whose, what, _), line in calls.items() if (whose, what) == (name, call))
