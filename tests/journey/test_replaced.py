"""
Files that are renamed, truncated or replaced, while the gateway is running or stopped.

The change is noticed at once, even without traffic, and costs no later event.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from gateway.sqlite import open_for_reading
from tests.gateway import DEFAULTS, Gateway
from tests.journey.books import EVENTS, RESTARTED, REWOUND, Listener, await_arrival, delivery_stopped, send

CONFIG = DEFAULTS.replace("[sources.default]", '[sources.default]\nsite_id = "29"\napi_tokens = ["secret"]')
PARTITION = "data/journal/0"

HEAD_DAMAGED = "journal file header damaged, rewritten"
RESTORED = "journal file removed or replaced, restored"
SET_ASIDE = "journal file set aside"
TAIL_SET_ASIDE = "incomplete chunk set aside"

Act = Callable[[Path], object]

_rounds = count()


def renamed(file: Path) -> None:
    file.rename(file.with_name(f"{int(file.stem) + 7:020d}.log"))


def moved_away(file: Path) -> None:
    file.rename(file.with_name("old"))


def cut_to_nothing(file: Path) -> None:
    os.truncate(file, 0)


def replaced_by_other_bytes(file: Path) -> None:
    new = file.with_name("new")
    new.write_bytes(os.urandom(100_000))
    new.rename(file)


def replaced_by_its_copy(file: Path) -> None:
    new = file.with_name("new")
    new.write_bytes(file.read_bytes())
    new.rename(file)


def case(act: Act, *problems: str) -> object:
    return pytest.param(act, problems, id=act.__name__.replace("_", " "))


def last_file(running: Gateway) -> Path:
    return max((running.folder / PARTITION).glob("*.log"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all tests, because it must survive every one."""
    with Gateway(tmp_path_factory.mktemp("replaced"), CONFIG) as running:
        yield running


@pytest.mark.parametrize(
    ("act", "problems"),
    [
        case(renamed, RESTORED),
        case(moved_away, RESTORED),
        case(replaced_by_other_bytes, RESTORED, SET_ASIDE),
        case(replaced_by_its_copy, RESTORED, SET_ASIDE),
    ],
)
def test_a_file_renamed_or_replaced_while_the_gateway_runs_costs_no_event(
    running: Gateway, act: Act, problems: tuple[str, ...]
) -> None:
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener = Listener(running)

    with delivery_stopped(running):
        held = send(running, f"held-{next(_rounds)}", 300)
        act(last_file(running))
        listener.until(problems)
    later = send(running, f"later-{next(_rounds)}", 200)

    await_arrival(running, held | later)
    assert listener.problems == sorted(problems)


def test_restoring_the_state_while_the_gateway_runs_loses_and_repeats_no_event(
    running: Gateway,
) -> None:
    state, backup = running.folder / "data/journal/state.db", running.folder / "backup.db"
    early = send(running, f"early-{next(_rounds)}", 50)
    await_arrival(running, early)
    with closing(open_for_reading(state)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    before = send(running, f"before-{next(_rounds)}", 50)
    await_arrival(running, before)
    listener = Listener(running)

    backup.rename(state)
    listener.until([RESTARTED])
    later = send(running, f"later-{next(_rounds)}", 200)

    await_arrival(running, later)
    arrived = Counter(event["messageId"] for event in running.events())
    assert {arrived[name] for name in early | before | later} == {1}
    assert listener.problems == [RESTARTED]


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that each test stops and restarts."""
    with Gateway(tmp_path_factory.mktemp("stopped"), CONFIG) as resting:
        yield resting


@pytest.mark.parametrize(
    ("act", "problems"),
    [
        case(renamed, SET_ASIDE, REWOUND),
        case(cut_to_nothing, HEAD_DAMAGED, REWOUND),
        case(replaced_by_other_bytes, HEAD_DAMAGED, TAIL_SET_ASIDE, REWOUND),
    ],
)
def test_a_file_changed_while_the_gateway_is_stopped_costs_no_later_event(
    resting: Gateway, act: Act, problems: tuple[str, ...]
) -> None:
    await_arrival(resting, send(resting, f"before-{next(_rounds)}", 50))
    listener = Listener(resting)
    kept = (resting.folder / EVENTS).read_bytes()

    resting.stop()
    act(last_file(resting))
    resting.start()
    later = send(resting, f"later-{next(_rounds)}", 200)

    await_arrival(resting, later)
    listener.until(problems)
    assert (resting.folder / EVENTS).read_bytes().startswith(kept)


@pytest.mark.parametrize("name", ["people.db", "people.db*"], ids=["without its logs", "with its logs"])
def test_people_are_stored_in_a_new_file_after_theirs_was_removed(resting: Gateway, name: str) -> None:
    put_person(resting, "before")
    listener = Listener(resting)

    for file in (resting.folder / "data/journal").glob(name):
        file.unlink()
    put_person(resting, "after")
    resting.stop()
    resting.start()

    assert (find_person(resting, "before"), find_person(resting, "after")) == (404, 200)
    assert listener.problems == ["records file removed or replaced, reopened"]


def put_person(running: Gateway, id: str) -> None:
    body = json.dumps({"person": {"email": "a@b.example"}})
    answer = running.request("PUT", f"/engage/user/?site=29&user_id={id}&token=secret", body)
    assert answer.status == 200


def find_person(running: Gateway, id: str) -> int:
    return running.request("GET", f"/engage/user/?site=29&user_id={id}&token=secret").status
