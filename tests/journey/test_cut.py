"""A truncated journal file is logged once and costs no later event."""

import os
from pathlib import Path

from tests.gateway import Gateway
from tests.journey.books import EVENTS, Listener, await_arrival, send

TRUNCATED = "journal file truncated"


def cut(folder: Path) -> None:
    """Truncate the only journal file in the middle of its events."""
    [file] = (folder / "data/journal/0").glob("*.log")
    os.truncate(file, 10_000)


def test_a_file_truncated_while_the_gateway_runs_costs_no_later_event(tmp_path: Path) -> None:
    with Gateway(tmp_path) as running:
        await_arrival(running, send(running, "before", 50))
        listener = Listener(running)

        cut(tmp_path)
        listener.until([TRUNCATED])

        await_arrival(running, send(running, "later", 200))
        assert listener.problems == [TRUNCATED]


def test_a_file_truncated_while_the_gateway_is_stopped_costs_no_later_event(tmp_path: Path) -> None:
    with Gateway(tmp_path) as running:
        await_arrival(running, send(running, "before", 50))
        listener = Listener(running)
        kept = (tmp_path / EVENTS).read_bytes()

        running.stop()
        cut(tmp_path)
        running.start()

        await_arrival(running, send(running, "later", 200))
        listener.until([TRUNCATED])
        assert (tmp_path / EVENTS).read_bytes().startswith(kept)
