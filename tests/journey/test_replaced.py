"""
A file that somebody renames, empties or replaces, while the gateway runs and while it does not.

It is noticed at once, whether or not anything is sent, and costs no later event.
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
from tests.journey.books import EVENTS, RESTARTED, REWOUND, Listener, await_arrival, holding, send

CONFIG = DEFAULTS.replace("[sources.default]", '[sources.default]\nsite_id = "29"\napi_tokens = ["secret"]')
PARTITION = "data/journal/0"

HEAD_DAMAGED = "journal file header damaged, rewritten"
RESCUED = "journal file removed or replaced, restored"
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


def case(act: Act, *troubles: str) -> object:
    return pytest.param(act, troubles, id=act.__name__.replace("_", " "))


def last_file(running: Gateway) -> Path:
    return max((running.folder / PARTITION).glob("*.log"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all, since it is to survive everything."""
    with Gateway(tmp_path_factory.mktemp("replaced"), CONFIG) as running:
        yield running


@pytest.mark.parametrize(
    ("act", "troubles"),
    [
        case(renamed, RESCUED),
        case(moved_away, RESCUED),
        case(replaced_by_other_bytes, RESCUED, SET_ASIDE),
        case(replaced_by_its_copy, RESCUED, SET_ASIDE),
    ],
)
def test_a_file_that_loses_its_name_while_it_runs_costs_no_event(
    running: Gateway, act: Act, troubles: tuple[str, ...]
) -> None:
    await_arrival(running, send(running, f"before-{next(_rounds)}", 50))
    listener = Listener(running)

    with holding(running):
        held = send(running, f"held-{next(_rounds)}", 300)
        act(last_file(running))
        listener.until(troubles)
    later = send(running, f"later-{next(_rounds)}", 200)

    await_arrival(running, held | later)
    assert listener.troubles == sorted(troubles)


def test_a_state_that_is_replaced_by_a_backup_while_it_runs_costs_and_repeats_no_event(
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
    assert listener.troubles == [RESTARTED]


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One that each test stops and starts again."""
    with Gateway(tmp_path_factory.mktemp("stopped"), CONFIG) as resting:
        yield resting


@pytest.mark.parametrize(
    ("act", "troubles"),
    [
        case(renamed, SET_ASIDE, REWOUND),
        case(cut_to_nothing, HEAD_DAMAGED, REWOUND),
        case(replaced_by_other_bytes, HEAD_DAMAGED, TAIL_SET_ASIDE, REWOUND),
    ],
)
def test_a_file_that_is_changed_while_it_does_not_run_costs_no_later_event(
    resting: Gateway, act: Act, troubles: tuple[str, ...]
) -> None:
    await_arrival(resting, send(resting, f"before-{next(_rounds)}", 50))
    listener = Listener(resting)
    kept = (resting.folder / EVENTS).read_bytes()

    resting.stop()
    act(last_file(resting))
    resting.start()
    later = send(resting, f"later-{next(_rounds)}", 200)

    await_arrival(resting, later)
    listener.until(troubles)
    assert (resting.folder / EVENTS).read_bytes().startswith(kept)


@pytest.mark.parametrize("name", ["people.db", "people.db*"], ids=["without its logs", "with its logs"])
def test_people_are_kept_in_a_new_file_when_theirs_is_removed_while_it_runs(
    resting: Gateway, name: str
) -> None:
    put_person(resting, "before")
    listener = Listener(resting)

    for file in (resting.folder / "data/journal").glob(name):
        file.unlink()
    put_person(resting, "after")
    resting.stop()
    resting.start()

    assert (find_person(resting, "before"), find_person(resting, "after")) == (404, 200)
    assert listener.troubles == ["records file removed or replaced, reopened"]


def put_person(running: Gateway, id: str) -> None:
    body = json.dumps({"person": {"email": "a@b.example"}})
    answer = running.request("PUT", f"/engage/user/?site=29&user_id={id}&token=secret", body)
    assert answer.status == 200


def find_person(running: Gateway, id: str) -> int:
    return running.request("GET", f"/engage/user/?site=29&user_id={id}&token=secret").status
