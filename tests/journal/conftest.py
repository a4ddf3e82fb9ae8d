"""The engines, for the tests of what all of them promise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.engines import ENGINES, Engine


@pytest.fixture(params=list(ENGINES))
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Engine]:
    """Begins a journal, each time another one, under the name given."""
    return lambda name: ENGINES[request.param](tmp_path / name)


@pytest.fixture
def engine(begin: Callable[[str], Engine]) -> Engine:
    """An empty journal."""
    return begin("one")
