"""`gateway dead`: letters are listed, shown, retried and dropped."""

import json
import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import IO, cast

import pytest

from gateway.errors import Culprit, SinkRefused
from gateway.state.letters import Choice
from tests.build import event_line, keep
from tests.cli.deliveries import WORDS, Stopped

HUGE = str(2**63)


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    return Stopped(tmp_path)


def test_letters_are_listed_with_their_reasons(stopped: Stopped) -> None:
    found = stopped.run("dead", "list")

    header, first, second = found.output.splitlines()
    assert header.split() == ["ID", "SINK", "POSITION", "LAST", "FAILED", "CODE", "EVENT", "MESSAGE"]
    assert first.split()[:3] == ["1", "events", "0/3"]
    assert second.split()[:3] == ["2", "events", "0/7"]
    assert first.endswith("refused  Order Completed  revenue is no number")


def test_programs_get_a_letter_a_line(stopped: Stopped) -> None:
    found = [json.loads(line) for line in stopped.run("dead", "list", "events", "--json").output.splitlines()]

    assert [letter["position"] for letter in found] == ["0/3", "0/7"]
    assert found[0] == {
        "id": 1,
        "sink": "events",
        "position": "0/3",
        "batch": "events/0/3-4",
        "code": "refused",
        "message": "revenue is no number",
        "answer": WORDS,
        "tries": 1,
        "first_failed_at": found[0]["first_failed_at"],
        "last_failed_at": found[0]["last_failed_at"],
        "message_id": "m3",
        "source": "default",
        "type": "track",
        "event": "Order Completed",
        "canonical": json.loads(event_line(3, event="Order Completed")),
    }


def test_a_letter_is_shown_whole(stopped: Stopped) -> None:
    found = stopped.run("dead", "show", "2").output

    assert WORDS in found
    assert '"messageId": "m7"' in found


@pytest.mark.parametrize(
    "arguments",
    [
        ("dead", "show", "0"),
        ("dead", "show", HUGE),
        ("dead", "list", "--id", HUGE),
        ("replay", "cancel", HUGE),
    ],
    ids=" ".join,
)
def test_an_id_that_no_letter_can_have_is_refused(stopped: Stopped, arguments: tuple[str, ...]) -> None:
    found = stopped.run(*arguments)

    assert found.exit_code == 2
    assert "is not in the range" in found.output


def test_an_age_beyond_1970_stands_for_the_beginning(stopped: Stopped) -> None:
    found = stopped.run("dead", "list", "--json", "--since", "999999999999999d")

    assert len(found.output.splitlines()) == 2


def test_the_number_of_listed_letters_is_limited(stopped: Stopped) -> None:
    found = stopped.run("dead", "list", "--limit", "1").output

    assert len(found.splitlines()) == 4
    assert found.splitlines()[-1].startswith("1 more")


def test_hostile_text_cannot_control_the_terminal(stopped: Stopped) -> None:
    stopped.keep(10, 11)
    stopped.deliver(SinkRefused("refused", {0: Culprit("\x1b[2J\r\nall gone \u202e")}))

    found = stopped.run("dead", "list").output

    assert "\x1b" not in found
    assert "\r" not in found
    assert "\u202e" not in found
    assert len(found.splitlines()) == 4


def test_a_hostile_event_cannot_control_the_terminal(stopped: Stopped) -> None:
    line = event_line(10, event="HOSTILE").replace(b"HOSTILE", "\x9b2J\u202eall gone \U000e0001".encode())
    keep(stopped.home.partition(0), [line])
    stopped.deliver(SinkRefused("refused", {0: Culprit("no")}))

    found = stopped.run("dead", "show", "3").output

    assert r'"event": "\u009b2J\u202eall gone \udb40\udc01"' in found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--id", "1"], 1),
        (["--code", "refused"], 2),
        (["--code", "expired"], 0),
        (["--event", "Order Completed", "--source", "default"], 2),
        (["--user", "u1"], 2),
        (["--user", "nobody"], 0),
        (["--since", "1h"], 2),
        (["--until", "1h"], 0),
        (["--since", "2020-01-01T00:00:00Z", "--until", "2021-01-01"], 0),
    ],
    ids=str,
)
def test_letters_are_chosen_by_filters(stopped: Stopped, arguments: list[str], expected: int) -> None:
    assert len(stopped.run("dead", "list", "--json", *arguments).output.splitlines()) == expected


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_nothing_is_changed_without_consent(stopped: Stopped, command: str) -> None:
    found = stopped.run("dead", command)

    assert (found.exit_code, "--yes" in found.output) == (2, True)
    assert len(stopped.run("dead", "list", "--json").output.splitlines()) == 2


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_a_dry_run_only_counts(stopped: Stopped, command: str) -> None:
    found = stopped.run("dead", command, "--dry-run")

    assert (found.exit_code, found.output.startswith("2 dead letters to ")) == (0, True)
    assert len(stopped.run("dead", "list", "--json").output.splitlines()) == 2


def test_a_single_letter_is_told_in_the_singular(stopped: Stopped) -> None:
    counted = stopped.run("dead", "retry", "--id", "1", "--dry-run")
    retried = stopped.run("dead", "retry", "--id", "1", "--yes")

    assert counted.output == "1 dead letter to retry.\n"
    assert retried.output == "1 dead letter is retried while the gateway is running.\n"


def test_dropped_letters_are_gone_and_the_ledger_balances(stopped: Stopped) -> None:
    dropped = stopped.run("dead", "drop", "events", "--id", "1", "--yes")

    assert (dropped.exit_code, dropped.output) == (0, "1 dead letter dropped.\n")
    assert len(stopped.run("dead", "list", "--json").output.splitlines()) == 1
    ledger = stopped.run("ledger", "--json")
    sink = json.loads(ledger.output)["sinks"]["events"]
    assert (sink["dead"], sink["skipped"], ledger.exit_code) == ({"refused": 1}, {"dropped": 1}, 0)


def test_the_limit_of_a_retry_is_for_all_sinks_together(stopped: Stopped) -> None:
    stopped.file.write_text(stopped.file.read_text() + '[sinks.other]\nkind = "null"\n')
    stopped.deliver(SinkRefused("refused", {0: Culprit("no"), 1: Culprit("no")}), sink="other")

    stopped.run("dead", "retry", "--limit", "3", "--yes")

    with closing(stopped.open()) as state:
        assert sum(job.events for job in state.jobs.all()) == 3


def test_a_stopped_gateway_is_not_waited_for(stopped: Stopped) -> None:
    retried = stopped.run("dead", "retry", "--yes")
    replayed = stopped.run("replay", "events", "--yes")

    assert "while the gateway is running" in retried.output
    assert "while the gateway is running" in replayed.output


def test_retried_letters_are_delivered_when_the_gateway_runs(stopped: Stopped) -> None:
    ordered = stopped.run("dead", "retry", "--detach", "--yes")

    sink = stopped.deliver()

    assert ordered.exit_code == 0
    assert [list(batch.positions) for batch in sink.batches] == [[3, 7]]
    assert stopped.run("dead", "list").output == "No dead letters.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "77"], "there is no dead letter 77"),
        (["list", "evnts"], "there is no sink 'evnts'; did you mean events?"),
        (["list", "--since", "yesterday"], "expected a time such as"),
        (["retry", "--rate", "fast"], "expected events per second"),
        (["drop", "--id", "0", "--yes"], "--id"),
        (["drop", "--code", "", "--yes"], "--code is empty"),
        (["drop", "", "--yes"], "SINK is empty"),
    ],
    ids=str,
)
def test_a_mistake_is_named(stopped: Stopped, arguments: list[str], words: str) -> None:
    found = stopped.run("dead", *arguments)

    assert (found.exit_code, words in found.output) == (2, True)
    assert len(stopped.run("dead", "list", "--json").output.splitlines()) == 2


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_a_letter_that_comes_while_the_operator_is_asked_is_left(stopped: Stopped, command: str) -> None:
    terminal, keyboard = pty.openpty()
    arguments = (sys.executable, "-m", "gateway", "dead", command, "--config", stopped.file)
    with subprocess.Popen(arguments, stdin=keyboard, stderr=subprocess.PIPE) as asking:
        said = cast("IO[bytes]", asking.stderr)
        asked = b"".join(iter(lambda: said.read(1), b"?"))

        stopped.keep(10, 12)
        stopped.deliver(SinkRefused("refused", {1: Culprit("too late")}))
        os.write(terminal, b"y\n")
        asking.wait()

    os.close(terminal)
    os.close(keyboard)
    with closing(stopped.open()) as state:
        left = [letter.position for letter in state.dead.select(Choice()) if letter.job is None]
    assert b"2 dead letters" in asked
    assert left == [11]
