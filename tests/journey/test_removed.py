"""
Files of a gateway that are removed, while it is running or stopped: logged once, and survived.

Acknowledged events that are not yet delivered are rescued from the open file, and later events arrive. The
content of sinks' files is never changed.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.gateway import Gateway, halt
from tests.journey.books import (
    EVENTS,
    MADE_AGAIN,
    REPEATED,
    RESTARTED,
    REWOUND,
    STATE_RECREATED,
    Listener,
    await_arrival,
    delivery_stopped,
    names,
    send,
)

JOURNAL = "data/journal"

FILE_RECREATED = "file renamed or deleted, new file created"
RESTORED = "journal file removed or replaced, restored"

Act = Callable[[Path], object]

_rounds = count()


def journal_folder(folder: Path) -> None:
    _remove(folder, folder.with_name("gone"))


def partition_folder(folder: Path) -> None:
    _remove(folder / "0", folder.with_name("gone"))


def _remove(folder: Path, gone: Path) -> None:
    """Remove a folder at once, since the gateway creates what is missing meanwhile."""
    folder.rename(gone)
    shutil.rmtree(gone)


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


def case(act: Act, *problems: str) -> object:
    return pytest.param(act, problems, id=act.__name__.replace("_", " "))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all tests, because it must survive every one."""
    with Gateway(tmp_path_factory.mktemp("removed")) as running:
        yield running


@pytest.mark.parametrize(
    ("act", "problems"),
    [
        case(journal_folder, MADE_AGAIN, RESTORED, RESTARTED, STATE_RECREATED, REPEATED),
        case(partition_folder, RESTORED),
        case(journal_files, RESTORED),
        case(state, RESTARTED, STATE_RECREATED, REPEATED),
        case(state_without_its_logs, RESTARTED, STATE_RECREATED, REPEATED),
        case(identity, MADE_AGAIN),
        case(lock, MADE_AGAIN),
    ],
)
def test_a_file_removed_while_the_gateway_runs_costs_no_event(
    running: Gateway, act: Act, problems: tuple[str, ...]
) -> None:
    before = send(running, f"before-{next(_rounds)}", 50)
    await_arrival(running, before)
    file, listener = running.folder / EVENTS, Listener(running)
    kept = file.read_bytes()

    with delivery_stopped(running):
        held = send(running, f"held-{next(_rounds)}", 600)
        act(running.folder / JOURNAL)
        after = send(running, f"after-{next(_rounds)}", 600)
    listener.until(problems)
    later = send(running, f"later-{next(_rounds)}", 50)

    await_arrival(running, held | after | later)
    assert file.read_bytes().startswith(kept)
    assert listener.problems == sorted(problems)


@pytest.mark.parametrize("act", [partition_folder, journal_files])
def test_a_rescue_does_not_depend_on_which_process_had_the_file_open(running: Gateway, act: Act) -> None:
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener, delivery = Listener(running), running.children()["delivery-0"]

    halt(delivery)
    held = send(running, f"held-{next(_rounds)}", 600)
    act(running.folder / JOURNAL)
    listener.until([RESTORED])
    os.kill(delivery, signal.SIGKILL)

    await_arrival(running, held)
    assert listener.problems == [RESTORED, RESTARTED]


def test_a_sinks_file_removed_while_the_gateway_runs_is_recreated(running: Gateway) -> None:
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener = Listener(running)

    (running.folder / EVENTS).unlink()
    after = send(running, f"after-{next(_rounds)}", 200)

    await_arrival(running, after)
    assert names(running.events()) == after
    assert [line["event"] for line in listener.lines] == [FILE_RECREATED]


def test_a_data_folder_renamed_and_renamed_back_costs_no_event(running: Gateway) -> None:
    data, aside, other = (running.folder / name for name in ("data", "aside", "other"))
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener = Listener(running)
    kept = (running.folder / EVENTS).read_bytes()

    data.rename(aside)
    meanwhile = send(running, f"meanwhile-{next(_rounds)}", 200)
    listener.until([MADE_AGAIN, RESTORED, RESTARTED, STATE_RECREATED], perhaps=REPEATED)
    await_arrival(running, meanwhile)
    listener.restart()
    data.rename(other)
    aside.rename(data)
    later = send(running, f"later-{next(_rounds)}", 200)
    listener.until([MADE_AGAIN, RESTORED, RESTARTED])

    await_arrival(running, later)
    assert (running.folder / EVENTS).read_bytes().startswith(kept)


def test_a_restart_after_all_removals_logs_no_error(running: Gateway) -> None:
    listener = Listener(running)

    running.stop()
    running.start()

    await_arrival(running, send(running, f"after-{next(_rounds)}", 50))
    assert listener.problems == []


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that each test stops and restarts."""
    with Gateway(tmp_path_factory.mktemp("stopped")) as resting:
        yield resting


@pytest.mark.parametrize(
    ("act", "problems"),
    [
        case(journal_folder, REPEATED),
        case(partition_folder, REWOUND),
        case(journal_files, REWOUND),
        case(state, STATE_RECREATED, REPEATED),
        case(identity, "journal identity lost"),
        case(lock),
    ],
)
def test_a_file_removed_while_the_gateway_is_stopped_costs_no_later_event(
    resting: Gateway, act: Act, problems: tuple[str, ...]
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
    listener.until(problems)


def test_a_sinks_file_removed_while_the_gateway_is_stopped_is_recreated(resting: Gateway) -> None:
    await_arrival(resting, send(resting, f"before-{next(_rounds)}", 50))
    listener = Listener(resting)

    resting.stop()
    (resting.folder / EVENTS).unlink()
    resting.start()
    after = send(resting, f"after-{next(_rounds)}", 200)

    await_arrival(resting, after)
    assert names(resting.events()) == after
    assert listener.problems == []
    assert FILE_RECREATED in [line["event"] for line in listener.lines]
