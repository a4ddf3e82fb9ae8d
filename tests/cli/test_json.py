"""`--json`: commands that change something print what they did as one object."""

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deliveries import Stopped


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    return Stopped(tmp_path)


def result(stopped: Stopped, *arguments: str) -> tuple[int, Any]:
    """The exit code, and the one object that was printed."""
    found = stopped.run(*arguments, "--json")
    [line] = found.stdout.splitlines()
    return found.exit_code, json.loads(line)


def test_a_sink_is_paused_and_resumed(stopped: Stopped) -> None:
    paused = result(stopped, "sinks", "pause", "events", "--yes")
    resumed = result(stopped, "sinks", "resume", "events", "--yes")

    assert paused == (0, {"name": "events", "state": "paused"})
    assert resumed == (0, {"name": "events", "state": "up"})


def test_a_sink_is_ordered_to_skip(stopped: Stopped) -> None:
    stopped.keep(10, 13)

    assert result(stopped, "sinks", "skip", "events", "--yes") == (
        0,
        {"name": "events", "events": 3, "done": False},
    )


def test_there_may_be_nothing_to_skip(stopped: Stopped) -> None:
    assert result(stopped, "sinks", "skip", "events") == (0, {"name": "events", "events": 0, "done": True})


def test_a_sink_is_tested(stopped: Stopped) -> None:
    assert result(stopped, "sinks", "test", "events") == (
        0,
        {"name": "events", "usable": True, "message": "ok"},
    )


def test_a_sink_that_cannot_be_used_says_why(stopped: Stopped) -> None:
    with (stopped.file.parent / "data/events.jsonl").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code, found = result(stopped, "sinks", "test", "events")

    assert code == 1
    assert (found["name"], found["usable"]) == ("events", False)
    assert "events.jsonl" in found["message"]


def test_letters_are_counted_retried_and_dropped(stopped: Stopped) -> None:
    counted = result(stopped, "dead", "retry", "--dry-run")
    retried = result(stopped, "dead", "retry", "events", "--yes")
    dropped = result(stopped, "dead", "drop", "events", "--yes")

    assert counted == (0, {"letters": 2, "jobs": []})
    assert retried == (0, {"letters": 2, "jobs": [1]})
    assert dropped == (0, {"letters": 2})


def test_a_replay_is_cancelled(stopped: Stopped) -> None:
    stopped.run("replay", "events", "--yes", "--detach")

    code, cancelled = result(stopped, "replay", "cancel", "1", "--yes")

    assert code == 0
    assert (cancelled["id"], cancelled["state"]) == (1, "cancelled")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("sinks", "pause", "events"), id="pause"),
        pytest.param(("sinks", "resume", "events"), id="resume"),
        pytest.param(("dead", "retry"), id="retry"),
        pytest.param(("dead", "drop"), id="drop"),
    ],
)
def test_programs_have_to_confirm_as_people_do(stopped: Stopped, arguments: tuple[str, ...]) -> None:
    found = stopped.run(*arguments, "--json")

    assert (found.exit_code, found.stdout) == (2, "")
