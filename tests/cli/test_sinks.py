"""`gateway sinks`: shown, paused, resumed, skipped and tested; confirmed on a terminal, or by an option."""

import fcntl
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.errors import SinkMisconfigured
from gateway.home import Home
from gateway.state.store import State
from tests.cli.deliveries import Stopped
from tests.gateway import DEFAULTS, PATIENCE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A gateway that has run; its sink is called "events"."""
    (tmp_path / "gateway.toml").write_text(DEFAULTS)
    home = Home(tmp_path / "data/journal")
    with home.own():
        State.prepare(home.state, home.journal)
    return home


@pytest.fixture
def delivery(home: Home) -> Iterator[State]:
    """What a running gateway sees."""
    with closing(State.open(home.state, home.journal)) as state:
        yield state


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    return Stopped(tmp_path)


def sinks(home: Home, *arguments: str) -> Result:
    file = home.folder.parents[1] / "gateway.toml"
    return CliRunner().invoke(main, ["sinks", *arguments, "--config", str(file)])


def on_a_terminal(home: Home, answer: str, *arguments: str) -> tuple[int, str]:
    """Type an answer; the exit code, and what is shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "sinks", *arguments],
        cwd=home.folder.parents[1],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        os.write(ours, answer.encode())
        shown, _ = process.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    return process.returncode, shown


def test_a_running_gateway_sees_at_once_what_is_paused_and_resumed(home: Home, delivery: State) -> None:
    before = delivery.paused()
    paused = sinks(home, "pause", "events", "--yes")
    between = delivery.paused()
    resumed = sinks(home, "resume", "events", "--yes")

    assert [before, between, delivery.paused()] == [set(), {"events"}, set()]
    assert (paused.exit_code, paused.stderr) == (resumed.exit_code, resumed.stderr) == (0, "")
    assert paused.stdout == "Sink events is paused. To resume it: gateway sinks resume events\n"
    assert resumed.stdout == "Sink events is resumed.\n"


def test_a_gateway_that_starts_later_sees_it_too(home: Home) -> None:
    sinks(home, "pause", "events", "--yes")

    with home.own():
        State.prepare(home.state, home.journal)
        with closing(State.open(home.state, home.journal)) as state:
            assert state.paused() == {"events"}


def test_without_a_terminal_it_has_to_be_confirmed(home: Home, delivery: State) -> None:
    result = sinks(home, "pause", "events")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "gateway: nothing was changed; confirm with --yes\n"
    assert delivery.paused() == set()


@pytest.mark.parametrize(("answer", "code", "paused"), [("y\n", 0, {"events"}), ("n\n", 2, set())])
def test_on_a_terminal_it_asks(home: Home, delivery: State, answer: str, code: int, paused: set[str]) -> None:
    found, shown = on_a_terminal(home, answer, "pause", "events")

    assert found == code
    assert shown.startswith("Pause sink events? [y/N]: ")
    assert delivery.paused() == paused


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_sink_that_is_not_configured_is_a_mistake(home: Home, delivery: State, verb: str) -> None:
    result = sinks(home, verb, "event", "--yes")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("gateway: there is no sink 'event'")
    assert len(result.stderr.splitlines()) == 1
    assert delivery.orders.pending(["event"]) == []


@pytest.mark.parametrize("arguments", [["pause", "events", "--yes"], []], ids=["pause", "show"])
def test_a_gateway_that_never_ran_has_nothing_to_pause_or_show(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "gateway.toml").write_text(DEFAULTS)

    result = sinks(Home(tmp_path / "data/journal"), *arguments)

    assert result.exit_code == 2
    assert result.stderr.endswith("has the gateway ever run?\n")
    assert not (tmp_path / "data").exists()


def test_a_state_that_cannot_be_written_is_told_of_in_a_line(home: Home) -> None:
    (home.folder / "state.db").unlink()

    result = sinks(home, "pause", "events", "--yes")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"gateway: {home.state}: ")
    assert len(result.stderr.splitlines()) == 1


def test_no_more_is_skipped_than_there_is(stopped: Stopped) -> None:
    nothing = stopped.run("sinks", "skip", "events", "--to", "0/99999", "--yes")
    stopped.keep(10, 13)
    skipped = stopped.run("sinks", "skip", "events", "--to", "0/99999", "--yes")

    assert nothing.output == "Sink events has no pending event before 0/99999.\n"
    assert skipped.output.startswith("Sink events will skip 3 events ")


def test_a_single_event_is_told_in_the_singular(stopped: Stopped) -> None:
    stopped.keep(10, 11)

    skipped = stopped.run("sinks", "skip", "events", "--to", "0/99999", "--yes")

    assert skipped.output.startswith("Sink events will skip 1 event when ")


def test_a_failing_sink_is_shown_with_the_words_of_its_target(stopped: Stopped) -> None:
    stopped.keep(10, 11)
    stopped.deliver(SinkMisconfigured("a.example answered 401", answer="token\nexpired"))

    found = stopped.run("sinks")

    assert "\nevents: a.example answered 401: token expired (since " in found.output
    assert found.exit_code == 1


def test_a_sink_is_tested(stopped: Stopped) -> None:
    usable = stopped.run("sinks", "test", "events")
    with stopped.home.own(), (stopped.file.parent / "data/events.jsonl").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        used = stopped.run("sinks", "test", "events")
    unknown = stopped.run("sinks", "test", "evnts")

    assert (usable.exit_code, usable.output) == (0, "Sink events can be used.\n")
    assert (used.exit_code, used.output) == (0, "Sink events is in use by the running gateway.\n")
    assert (unknown.exit_code, "did you mean events?" in unknown.output) == (2, True)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("sinks",), id="sinks"),
        pytest.param(("sinks", "skip", "events", "--yes"), id="skip"),
        pytest.param(("ledger",), id="ledger"),
        pytest.param(("replay", "events", "--yes"), id="replay"),
    ],
)
def test_a_journal_that_cannot_be_read_is_told_of_in_a_line(
    stopped: Stopped, command: tuple[str, ...]
) -> None:
    [file] = (stopped.home.folder / "0").glob("*.log")
    file.unlink()
    file.symlink_to(file)  # opening it is an error, also for root

    result = stopped.run(*command)

    assert result.exit_code == 2
    assert result.stderr.startswith("gateway: ")
    assert len(result.stderr.splitlines()) == 1
