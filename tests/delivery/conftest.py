"""Shared fixtures: a journal, and the state of its delivery."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.state.store import State
from tests.delivery.work import open_state


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = open_state(tmp_path)
    yield opened
    opened.close()
