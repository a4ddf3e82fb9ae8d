"""Fixtures: the engines for the tests of the contract."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.engines import ENGINES, Engine


@pytest.fixture(params=list(ENGINES))
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Engine]:
    """A function that creates a journal with the given name."""
    return lambda name: ENGINES[request.param](tmp_path / name)


@pytest.fixture
def engine(begin: Callable[[str], Engine]) -> Engine:
    """An empty journal."""
    return begin("one")
