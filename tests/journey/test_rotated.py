"""logrotate on a sink's file during delivery."""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Gateway, until
from tests.journey import needs
from tests.journey.books import EVENTS, Listener, await_arrival, names, send
from tests.journey.load import NOTHING_WRONG, Load

ROTATIONS = 4

FILE_TRUNCATED = "file truncated by another program"

Rotate = Callable[[Gateway, str], None]


@pytest.fixture
def rotate(tmp_path: Path) -> Rotate:
    """Run logrotate on the sink's file with the given options, then send SIGHUP to the gateway."""
    program = needs.program("logrotate")

    def rotate(running: Gateway, way: str) -> None:
        config = tmp_path / "logrotate.conf"
        hang_up = f"postrotate\n kill -HUP {running.process.pid}\n endscript"
        config.write_text(f"{tmp_path / EVENTS} {{\n rotate 9\n {way}\n {hang_up}\n}}\n")
        config.chmod(0o600)
        subprocess.run([program, "--force", "--state", tmp_path / "logrotate.state", config], check=True)

    return rotate


def all_files(running: Gateway) -> list[dict[str, Any]]:
    """Return the events of all rotated files, oldest first, and of the current file."""
    numbers = range(ROTATIONS, 0, -1)
    files = [running.events(f"{EVENTS}.{number}") for number in numbers]
    assert all(files), "a rotation found nothing"
    return [event for file in [*files, running.events()] for event in file]


@pytest.mark.parametrize("way", ["create 0600", "nocreate"])
def test_a_file_rotated_under_load_loses_and_repeats_nothing(
    gateway: Callable[..., Gateway], rotate: Rotate, chance: random.Random, way: str
) -> None:
    running = gateway()
    listener = Listener(running)

    with Load(running.port, chance) as load:
        for _ in range(ROTATIONS):
            load.advance(200)
            until(running.events)
            rotate(running, way)
        load.advance(200)
    running.drained()

    assert load.compare(all_files(running)) == NOTHING_WRONG
    assert load.unexpected == []
    assert listener.problems == []


def test_a_file_rotated_with_copytruncate_loses_and_repeats_nothing(
    gateway: Callable[..., Gateway], rotate: Rotate
) -> None:
    running = gateway()
    listener = Listener(running)
    sent = set()

    for number in range(ROTATIONS):
        own = send(running, str(number), 200)
        await_arrival(running, own)
        rotate(running, "copytruncate")
        sent |= own
    last = send(running, "last", 200)
    await_arrival(running, last)

    events = all_files(running)
    assert (names(events), len(events)) == (sent | last, len(sent | last))
    assert listener.problems == [FILE_TRUNCATED] * ROTATIONS
