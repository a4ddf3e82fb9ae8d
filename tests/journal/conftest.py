"""Fixtures: the engines for the tests of the contract."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journal.engines import ENGINES, Engine


@pytest.fixture(params=list(ENGINES))
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Engine]]:
    """A function that creates a journal with the given name."""
    begun: list[Engine] = []

    def begin(name: str) -> Engine:
        begun.append(ENGINES[request.param](tmp_path / name))
        return begun[-1]

    yield begin
    for engine in begun:
        engine.close()


@pytest.fixture
def engine(begin: Callable[[str], Engine]) -> Engine:
    """An empty journal."""
    return begin("one")
