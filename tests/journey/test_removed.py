"""
Files of a gateway that somebody removes, while it runs and while it does not: it says so once, and goes on.

What was acknowledged and not yet delivered is rescued from the file that is still open, and whatever is sent
later arrives. What stands in a sink's file stays there.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.gateway import Gateway
from tests.journey.books import (
    EVENTS,
    MADE_AGAIN,
    REPEATED,
    RESTARTED,
    REWOUND,
    STATE_ANEW,
    Listener,
    await_arrival,
    holding,
    names,
    send,
)

JOURNAL = "data/journal"

BEGUN = "file renamed or deleted, new file created"
RESCUED = "journal file removed or replaced, restored"

Act = Callable[[Path], object]

_rounds = count()


def journal_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def partition_folder(folder: Path) -> None:
    shutil.rmtree(folder / "0")


def journal_files(folder: Path) -> None:
    for file in (folder / "0").glob("*.log"):
        file.unlink()


def state(folder: Path) -> None:
    for file in folder.glob("state.db*"):
        file.unlink()


def state_without_its_logs(folder: Path) -> None:
    (folder / "state.db").unlink()


def identity(folder: Path) -> None:
    (folder / "identity.json").unlink()


def lock(folder: Path) -> None:
    (folder / "LOCK").unlink()


def case(act: Act, *troubles: str) -> object:
    return pytest.param(act, troubles, id=act.__name__.replace("_", " "))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all, since it is to survive everything."""
    with Gateway(tmp_path_factory.mktemp("removed")) as running:
        yield running


@pytest.mark.parametrize(
    ("act", "troubles"),
    [
        case(journal_folder, MADE_AGAIN, RESCUED, RESTARTED, STATE_ANEW, REPEATED),
        case(partition_folder, RESCUED),
        case(journal_files, RESCUED),
        case(state, RESTARTED, STATE_ANEW, REPEATED),
        case(state_without_its_logs, RESTARTED, STATE_ANEW, REPEATED),
        case(identity, MADE_AGAIN),
        case(lock, MADE_AGAIN),
    ],
)
def test_what_is_removed_while_it_runs_costs_no_event(
    running: Gateway, act: Act, troubles: tuple[str, ...]
) -> None:
    before = send(running, f"before-{next(_rounds)}", 50)
    await_arrival(running, before)
    file, listener = running.folder / EVENTS, Listener(running)
    kept = file.read_bytes()

    with holding(running):
        held = send(running, f"held-{next(_rounds)}", 600)
        act(running.folder / JOURNAL)
        after = send(running, f"after-{next(_rounds)}", 600)
    listener.until(troubles)
    later = send(running, f"later-{next(_rounds)}", 50)

    await_arrival(running, held | after | later)
    assert file.read_bytes().startswith(kept)
    assert listener.troubles == sorted(troubles)


@pytest.mark.parametrize("act", [partition_folder, journal_files])
def test_what_is_rescued_does_not_depend_on_who_had_it_open(running: Gateway, act: Act) -> None:
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener, delivery = Listener(running), running.children()["delivery-0"]

    os.kill(delivery, signal.SIGSTOP)
    held = send(running, f"held-{next(_rounds)}", 600)
    act(running.folder / JOURNAL)
    listener.until([RESCUED])
    os.kill(delivery, signal.SIGKILL)

    await_arrival(running, held)
    assert listener.troubles == [RESCUED, RESTARTED]


def test_a_sinks_file_that_is_removed_while_it_runs_is_begun_anew(running: Gateway) -> None:
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener = Listener(running)

    (running.folder / EVENTS).unlink()
    after = send(running, f"after-{next(_rounds)}", 200)

    await_arrival(running, after)
    assert names(running.events()) == after
    assert [line["event"] for line in listener.lines] == [BEGUN]


def test_a_data_folder_that_is_renamed_and_put_back_costs_no_event(running: Gateway) -> None:
    data, aside, other = (running.folder / name for name in ("data", "aside", "other"))
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener = Listener(running)
    kept = (running.folder / EVENTS).read_bytes()

    data.rename(aside)
    meanwhile = send(running, f"meanwhile-{next(_rounds)}", 200)
    listener.until([MADE_AGAIN, RESCUED, RESTARTED, STATE_ANEW], perhaps=REPEATED)
    await_arrival(running, meanwhile)
    listener.restart()
    data.rename(other)
    aside.rename(data)
    later = send(running, f"later-{next(_rounds)}", 200)
    listener.until([MADE_AGAIN, RESCUED, RESTARTED])

    await_arrival(running, later)
    assert (running.folder / EVENTS).read_bytes().startswith(kept)


def test_after_all_that_a_restart_finds_nothing_wrong(running: Gateway) -> None:
    listener = Listener(running)

    running.stop()
    running.start()

    await_arrival(running, send(running, f"after-{next(_rounds)}", 50))
    assert listener.troubles == []


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One that each test stops and starts again."""
    with Gateway(tmp_path_factory.mktemp("stopped")) as resting:
        yield resting


@pytest.mark.parametrize(
    ("act", "troubles"),
    [
        case(journal_folder, REPEATED),
        case(partition_folder, REWOUND),
        case(journal_files, REWOUND),
        case(state, STATE_ANEW, REPEATED),
        case(identity, "journal identity lost"),
        case(lock),
    ],
)
def test_what_is_removed_while_it_does_not_run_costs_no_later_event(
    resting: Gateway, act: Act, troubles: tuple[str, ...]
) -> None:
    await_arrival(resting, send(resting, f"before-{next(_rounds)}", 50))
    file, listener = resting.folder / EVENTS, Listener(resting)
    kept = file.read_bytes()

    resting.stop()
    act(resting.folder / JOURNAL)
    resting.start()
    after = send(resting, f"after-{next(_rounds)}", 600)

    await_arrival(resting, after)
    assert file.read_bytes().startswith(kept)
    listener.until(troubles)


def test_a_sinks_file_that_is_removed_while_it_does_not_run_is_begun_anew(resting: Gateway) -> None:
    await_arrival(resting, send(resting, f"before-{next(_rounds)}", 50))
    listener = Listener(resting)

    resting.stop()
    (resting.folder / EVENTS).unlink()
    resting.start()
    after = send(resting, f"after-{next(_rounds)}", 200)

    await_arrival(resting, after)
    assert names(resting.events()) == after
    assert listener.troubles == []
    assert BEGUN in [line["event"] for line in listener.lines]
