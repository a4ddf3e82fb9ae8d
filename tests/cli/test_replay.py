"""`gateway replay` and `gateway ledger` on a stopped gateway."""

import json
from pathlib import Path

import pytest

from gateway.errors import SinkUnavailable
from gateway.journal.base import Position
from gateway.state.tally import Tally
from tests.cli.deliveries import Stopped


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    return Stopped(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], 10),
        (["--since", "1h"], 10),
        (["--until", "1h"], 0),
        (["--event", "Signed Up"], 5),
        (["--type", "page"], 0),
        (["--source", "default", "--user", "u1"], 10),
        (["--message-id", "m4"], 1),
    ],
    ids=str,
)
def test_a_dry_run_counts_the_events(stopped: Stopped, arguments: list[str], expected: int) -> None:
    found = stopped.run("replay", "events", "--dry-run", "--json", *arguments)

    assert (found.exit_code, json.loads(found.output)) == (0, {"sink": "events", "events": expected})
    assert stopped.run("replay", "list").output == "No replays.\n"


def test_a_replay_is_listed_and_done_when_the_gateway_runs(stopped: Stopped) -> None:
    ordered = stopped.run("replay", "events", "--event", "Signed Up", "--yes", "--detach")

    sink = stopped.deliver()

    assert ordered.exit_code == 0
    assert [list(batch.positions) for batch in sink.batches] == [[0, 2, 4, 6, 8]]
    [line] = stopped.run("replay", "list", "--json").output.splitlines()
    job = json.loads(line)
    assert job == {
        "id": 1,
        "sink": "events",
        "state": "done",
        "events": 10,
        "sent": 5,
        "refused": 0,
        "progress": 1.0,
        "created_at": job["created_at"],
        "filters": {"event": "Signed Up"},
    }


def test_what_live_delivery_has_not_passed_is_not_replayed(stopped: Stopped) -> None:
    stopped.keep(10, 14)
    stopped.deliver(SinkUnavailable("down"))

    found = stopped.run("replay", "events", "--dry-run")

    assert found.output == "10 events to replay to sink events.\n"


def test_a_single_event_is_told_in_the_singular(stopped: Stopped) -> None:
    found = stopped.run("replay", "events", "--message-id", "m3", "--dry-run")

    assert found.output == "1 event to replay to sink events.\n"


def test_a_replay_can_be_cancelled(stopped: Stopped) -> None:
    stopped.run("replay", "events", "--yes", "--detach")

    cancelled = stopped.run("replay", "cancel", "1", "--yes")

    assert cancelled.output == "Replay 1 is cancelled.\n"
    assert stopped.deliver().batches == []
    assert "has ended already" in stopped.run("replay", "cancel", "1", "--yes").output


def test_nothing_is_replayed_without_consent(stopped: Stopped) -> None:
    found = stopped.run("replay", "events")

    assert (found.exit_code, "--yes" in found.output) == (2, True)
    assert stopped.run("replay", "list").output == "No replays.\n"


def test_a_replay_to_no_sink_is_refused(stopped: Stopped) -> None:
    found = stopped.run("replay", "evnts", "--yes")

    assert (found.exit_code, "did you mean events?" in found.output) == (2, True)


def test_the_ledger_balances(stopped: Stopped) -> None:
    stopped.keep(10, 14)

    found = stopped.run("ledger")

    assert found.exit_code == 0
    assert found.output.splitlines()[-2].split() == ["events", "14", "8", "0", "0", "2", "0", "4"]
    assert found.output.splitlines()[-1] == "balanced"


@pytest.mark.parametrize(("missing", "words"), [(3, "+3 events"), (1, "+1 event"), (-1, "-1 event")])
def test_the_ledger_says_what_is_missing(stopped: Stopped, missing: int, words: str) -> None:
    state = stopped.open()
    state.record("events", "0", Position(10), Tally({("delivered", ""): -missing}))
    state.close()

    found = stopped.run("ledger", "--json")

    fields = json.loads(found.output)
    assert (found.exit_code, fields["balanced"]) == (1, False)
    assert fields["differences"] == [f"sink events: {words} not accounted for"]
