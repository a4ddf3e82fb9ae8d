"""Fixtures: the engines for the tests of the contract."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.journal import publisher
from gateway.journal.kafka import client, reader
from tests.gateway import PATIENCE
from tests.journal.engines import ENGINES, Engine


@pytest.fixture(params=list(ENGINES))
def begin(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Engine]]:
    """A function that creates a journal with the given name. Its server may stand still for a while."""
    monkeypatch.setattr(publisher, "_MAX_WAITING_SECONDS", PATIENCE)
    monkeypatch.setattr(client, "REQUEST_SECONDS", PATIENCE)
    monkeypatch.setattr(reader, "REQUEST_SECONDS", PATIENCE)
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
