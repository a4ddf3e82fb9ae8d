"""The states that the tests of this folder have in common: in a file, and in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.postgresql.place import Place
from gateway.state.store import State
from tests import databases

ID = bytes(range(16))


@pytest.fixture(params=databases.KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place without a state."""
    with databases.place(request.param, tmp_path) as place:
        yield place


@pytest.fixture
def place(empty: Place) -> Place:
    """A place with a state of the journal ID, in which nothing is recorded."""
    State.prepare(empty, ID)
    return empty


@pytest.fixture
def state(place: Place) -> Iterator[State]:
    opened = State.open(place, ID)
    yield opened
    opened.close()
