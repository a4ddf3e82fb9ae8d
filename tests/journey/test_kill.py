"""
Kills at any moment under load: no acknowledged event is lost, and none is delivered twice.

`--rounds 500` runs it longer; tests/bench measures how soon the gateway is ready again. To see the tests go
red, run them against a copy of the package that breaks the promise (`PYTHONPATH=copy pytest
tests/journey/test_kill.py`), for example

* in journal/segments/partition.py, `write` buffers chunks and writes them once a second: answers precede the
  commit, and a kill of the intake loses a second;
* in sinks/json_lines.py, `_claim` returns 0: a kill of delivery makes events appear twice.

A missing sync is not found here, because the system keeps what a killed process has written; test_power.py
finds it.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gateway import Gateway, free_ports
from tests.journey import faults
from tests.journey.load import NOTHING_WRONG, Load

# Files are finished at an eighth of the journal's size, and deleted a second after they were delivered.
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

# Process, system call, and the numbers of the calls at which it is killed: every write, sync and rename of a
# commit, of a file that is finished and its successor, and of a file that is deleted.
MOMENTS = [
    *(("intake-0", "pwritev2", when) for when in (1, 2, 7)),  # in the middle of a commit
    *(("intake-0", "pwrite64", when) for when in (1, 2, 3, 4)),  # end records and preallocation
    *(("intake-0", "fallocate", when) for when in (1,)),
    *(("intake-0", "fdatasync", when) for when in (1, 2)),  # of preallocated space
    *(("intake-0", "ftruncate", when) for when in (1, 2)),  # as a file is finished
    *(("intake-0", "fsync", when) for when in (1, 2, 3)),  # of the finished file, the next one, their folder
    *(("intake-0", "rename", when) for when in (1, 2)),  # as the next one gets its name
    *(("delivery-0", "write", when) for when in (1, 2)),  # to the sink's file
    *(("delivery-0", "fdatasync", when) for when in (1, 2, 3, 4)),  # of the sink's file and the positions
    *(("delivery-0", "pwrite64", when) for when in (1, 2, 3)),  # of the positions
    *(("delivery-0", "unlink", when) for when in (1, 2, 4, 8)),  # as a file is deleted, ours or an index's
    *(("delivery-0", "fsync", when) for when in (1,)),  # of its folder
]
# An index deletes files of its own, mostly when it is opened. These follow if all deletions were its.
LATER_DELETIONS = [("delivery-0", "unlink", when) for when in (12, 16, 24, 32)]


@pytest.mark.parametrize(
    ("workers", "share"), [pytest.param(1, 0.6, id="one worker"), pytest.param(2, 0.4, id="two workers")]
)
def test_no_kill_loses_or_repeats_an_acknowledged_event(
    gateway: Callable[..., Gateway], rounds: int | None, chance: random.Random, workers: int, share: float
) -> None:
    running = gateway(config(workers))
    victims = ["supervisor", "delivery-0", "inspector", *(f"intake-{slot}" for slot in range(workers))]

    with Load(running.port, chance) as load:
        for _ in range(round((rounds or 15) * share)):
            load.advance(chance.randrange(20, 600))
            faults.kill(running, chance.choice(victims))
        load.advance(100)

    assert load.compare(everything(running)) == NOTHING_WRONG
    assert load.unexpected == []


def test_no_kill_at_a_system_call_of_a_commit_loses_or_repeats_an_event(
    gateway: Callable[..., Gateway], chance: random.Random, tmp_path: Path
) -> None:
    running = gateway(config(workers=1))
    calls: dict[tuple[str, str, int], str] = {}

    with Load(running.port, chance) as load:
        for moment in (*MOMENTS, *LATER_DELETIONS):
            if moment in LATER_DELETIONS and is_among(calls, "delivery-0", "unlink", "/journal/0/"):
                break
            name, call, when = moment
            load.advance(chance.randrange(20, 200))
            pid = running.children()[name]
            calls[moment] = faults.kill_at(pid, call, when, tmp_path / "strace")
            faults.await_successor(running, name, pid)
        load.advance(100)

    assert load.compare(everything(running)) == NOTHING_WRONG
    assert load.unexpected == []
    assert is_among(calls, "intake-0", "pwritev2", "/journal/0/"), "there was no commit"
    assert is_among(calls, "intake-0", "ftruncate", "/journal/0/"), "no file was being finished"
    assert is_among(calls, "intake-0", "rename", "/journal/0/"), "no file was being begun"
    assert is_among(calls, "intake-0", "fallocate", "/journal/0/"), "no space was being prepared"
    assert is_among(calls, "delivery-0", "unlink", "/journal/0/"), "no file was being deleted"


def config(workers: int) -> str:
    public, private = free_ports()
    return CONFIG.format(public, workers, private)


def everything(running: Gateway) -> list[dict[str, object]]:
    """Wait for delivery, and return the events in the sink's file."""
    running.drained()
    assert running.stop() == 0
    return running.events()


def is_among(calls: dict[tuple[str, str, int], str], name: str, call: str, path: str) -> bool:
    return any(path in line for (whose, what, _), line in calls.items() if (whose, what) == (name, call))
